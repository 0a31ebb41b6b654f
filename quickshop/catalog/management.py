"""The catalogue as staff see it: products that are not on show too, with everything about them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from quickshop.catalog.editing import version
from quickshop.catalog.pictures import list_pictures
from quickshop.catalog.prices import ON_SALE, PRICE_NOW
from quickshop.kernel import clock, db
from quickshop.kernel.errors import NotFound
from quickshop.kernel.ids import parse_id
from quickshop.kernel.money import money
from quickshop.kernel.pagination import decode_cursor, page
from quickshop.kernel.prepared import PLANNED_ANEW

STATES = ("draft", "scheduled", "shown", "withdrawn")
LATEST_PRICES = 20

_STATE = """CASE WHEN p.published_at IS NULL THEN 'draft' WHEN p.withdrawn_at <= now() THEN 'withdrawn'
                 WHEN p.published_at > now() THEN 'scheduled' ELSE 'shown' END"""

# Every word begins a word of the name, a SKU, a category or an attribute.
_FOUND = """p.id IN (SELECT t.product_id FROM product_texts t WHERE t.tsv @@ (
    SELECT to_tsquery('simple', string_agg(w || ':*', ' & ')) FROM regexp_split_to_table(plain_words(:q), ' ') w
    WHERE w <> ''))"""
_BELOW = "p.category_id IN (SELECT id FROM categories WHERE path && (SELECT array_agg(id) FROM categories WHERE {}))"

# The page first, then what is counted of its products alone.
_LIST = f"""{PLANNED_ANEW}
WITH found AS MATERIALIZED (
    SELECT p.id, p.slug, p.name, p.image, p.published_at, p.withdrawn_at, p.updated_at, {_STATE} AS state,
           c.id AS category_id, c.slug AS category_slug, c.name AS category
    FROM products p JOIN categories c ON c.id = p.category_id
    WHERE {{conditions}} ORDER BY p.id DESC LIMIT :limit
)
SELECT f.*, v.* FROM found f LEFT JOIN LATERAL (
    SELECT count(*) AS variants, min({PRICE_NOW}) AS lowest, max({PRICE_NOW}) AS highest, min(v.currency) AS currency,
           bool_or({ON_SALE}) AS on_sale, coalesce(sum(s.on_hand), 0) AS on_hand,
           coalesce(sum(s.on_hand - s.held), 0) AS available
    FROM variants v LEFT JOIN stock_items s ON s.variant_id = v.id WHERE v.product_id = f.id
) v ON true ORDER BY f.id DESC
"""


def list_products(
    *,
    q: str | None = None,
    category: str | None = None,
    state: str | None = None,
    limit: int = 24,
    cursor: str | None = None,
) -> dict[str, Any]:
    """A page of all products, the newest first: {items, next_cursor}.

    By the beginnings of words or SKUs, by a category's slug or id with what lies below, by state: draft, scheduled,
    shown or withdrawn.
    """
    conditions: list[str] = ["true"]
    values: dict[str, Any] = {}
    if q and q.strip():
        conditions.append(_FOUND)
        values["q"] = q
    if category:
        try:
            values["category"] = UUID(category)
            conditions.append(_BELOW.format("id = :category"))
        except ValueError:
            values["category"] = category
            conditions.append(_BELOW.format("slug = :category"))
    if state:
        conditions.append(f"{_STATE} = :state")
        values["state"] = state
    if cursor:
        [after] = decode_cursor(cursor, str)
        conditions.append("p.id < :after")
        values["after"] = parse_id(after, "page")
    found = db.rows(_LIST.format(conditions=" AND ".join(conditions)), limit=limit + 1, **values)
    shown, next_cursor = page(found, limit, "id")
    return {"items": [_row(r) for r in shown], "next_cursor": next_cursor}


def _row(r: Any) -> dict[str, Any]:
    return {
        "id": str(r.id),
        "slug": r.slug,
        "name": r.name,
        "image": r.image,
        "state": r.state,
        "published_at": clock.rfc3339(r.published_at),
        "withdrawn_at": clock.rfc3339(r.withdrawn_at),
        "updated_at": version(r.updated_at),
        "category": {"id": str(r.category_id), "slug": r.category_slug, "name": r.category},
        "variant_count": r.variants,
        "price": {"min": money(r.lowest, r.currency), "max": money(r.highest, r.currency)} if r.variants else None,
        "on_sale": bool(r.on_sale),
        "on_hand": int(r.on_hand),
        "available": int(r.available),
    }


_PRODUCT = f"""
SELECT p.*, {_STATE} AS state, c.slug AS category_slug, c.name AS category
FROM products p JOIN categories c ON c.id = p.category_id WHERE p.id = :id
"""

_VARIANTS = f"""
SELECT v.*, {PRICE_NOW} AS now_minor, {ON_SALE} AS on_sale, coalesce(s.on_hand, 0) AS on_hand,
       coalesce(s.held, 0) AS held, s.low_at
FROM variants v LEFT JOIN stock_items s ON s.variant_id = v.id WHERE v.product_id = :id ORDER BY v.position, v.sku
"""

_PRICES = """
SELECT c.* FROM variants v CROSS JOIN LATERAL (
    SELECT * FROM price_changes WHERE variant_id = v.id ORDER BY id DESC LIMIT :latest
) c WHERE v.product_id = :id ORDER BY c.id DESC
"""


def get_product(product_id: UUID) -> dict[str, Any]:
    """Everything about a product. Its version, `updated_at`, is read before all else. Raises NotFound."""
    found = db.row(_PRODUCT, id=product_id)
    if found is None:
        raise NotFound("product")
    return {
        "id": str(found.id),
        "slug": found.slug,
        "former_slugs": [
            r.slug
            for r in db.rows("SELECT slug FROM product_slugs WHERE product_id = :id ORDER BY slug", id=product_id)
        ],
        "name": found.name,
        "description": found.description,
        "category": {"id": str(found.category_id), "slug": found.category_slug, "name": found.category},
        "tax_class": found.tax_class,
        "attributes": found.attributes,
        "options": found.options,
        "image": found.image,
        "images": list_pictures(product_id),
        "related": _related(product_id),
        "rating": {"average": float(found.rating_average), "count": found.rating_count},
        "sold_count": found.sold_count,
        "state": found.state,
        "published_at": clock.rfc3339(found.published_at),
        "withdrawn_at": clock.rfc3339(found.withdrawn_at),
        "created_at": clock.rfc3339(found.created_at),
        "updated_at": version(found.updated_at),
        "variants": _variants(product_id),
    }


def version_of(product_id: UUID) -> str:
    """A product's present version. Raises NotFound."""
    found = db.scalar("SELECT updated_at FROM products WHERE id = :id", id=product_id)
    if found is None:
        raise NotFound("product")
    return version(found)


def _related(product_id: UUID) -> list[dict[str, Any]]:
    found = db.rows(
        "SELECT p.id, p.slug, p.name FROM product_relations r JOIN products p ON p.id = r.related_id"
        " WHERE r.product_id = :id ORDER BY r.position",
        id=product_id,
    )
    return [{"id": str(r.id), "slug": r.slug, "name": r.name} for r in found]


def _variants(product_id: UUID) -> list[dict[str, Any]]:
    history: dict[UUID, list[Any]] = {}
    for change in db.rows(_PRICES, id=product_id, latest=LATEST_PRICES):
        history.setdefault(change.variant_id, []).append(change)
    return [_variant(r, history.get(r.id, [])) for r in db.rows(_VARIANTS, id=product_id)]


def _variant(r: Any, history: list[Any]) -> dict[str, Any]:
    return {
        "id": str(r.id),
        "sku": r.sku,
        "options": r.options,
        "position": r.position,
        "weight_grams": r.weight_grams,
        "image_id": str(r.picture_id) if r.picture_id else None,
        "image": r.image,
        **_prices(r, r.currency),
        "price_now": money(r.now_minor, r.currency),
        "on_sale": r.on_sale,
        "history": [{"at": clock.rfc3339(change.at), **_prices(change, r.currency)} for change in history],
        "stock": {"on_hand": r.on_hand, "held": r.held, "available": r.on_hand - r.held, "low_at": r.low_at},
    }


def _prices(r: Any, currency: str) -> dict[str, Any]:
    sale = None
    if r.sale_price_minor is not None:
        sale = {
            "price": money(r.sale_price_minor, currency),
            "from": clock.rfc3339(r.sale_from),
            "until": clock.rfc3339(r.sale_until),
        }
    return {
        "price": money(r.price_minor, currency),
        "compare_at_price": money(r.compare_at_minor, currency) if r.compare_at_minor is not None else None,
        "sale": sale,
    }


def list_categories() -> list[dict[str, Any]]:
    """All categories, each after the one above it: {id, parent_id, slug, name, position, depth, products, version}.

    `products` are all that lie directly in it, on show or not.
    """
    found = db.rows(
        "SELECT c.*, (SELECT count(*) FROM products p WHERE p.category_id = c.id) AS products FROM categories c"
        " ORDER BY c.position, c.name"
    )
    below: dict[Any, list[Any]] = {}
    for row in found:
        below.setdefault(row.parent_id, []).append(row)
    todo = [(row, 0) for row in reversed(below.get(None, []))]
    shown = []
    while todo:
        row, depth = todo.pop()
        shown.append(
            {
                "id": str(row.id),
                "parent_id": str(row.parent_id) if row.parent_id else None,
                "slug": row.slug,
                "name": row.name,
                "position": row.position,
                "depth": depth,
                "products": row.products,
                "version": row.version,
            }
        )
        todo += [(child, depth + 1) for child in reversed(below.get(row.id, []))]
    return shown


def list_attributes() -> list[dict[str, Any]]:
    """All attributes in order: {name, label, facetable, position, version, values}; `values` is how many there are."""
    found = db.rows(
        "SELECT a.*, (SELECT count(*) FROM attribute_values v WHERE v.attribute = a.name) AS values FROM attributes a"
        " ORDER BY a.position, a.label, a.name"
    )
    return [r._asdict() for r in found]
