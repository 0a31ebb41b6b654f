"""Reads of the catalogue, shaped for reading: one or two statements that return ready documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from quickshop.catalog.documents import product_document
from quickshop.kernel import db
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.pagination import decode_cursor, page

# sort -> (column, direction, type of the cursor's key)
SORTS: dict[str, tuple[str, str, type]] = {
    "newest": ("extract(epoch FROM p.created_at)::text", "DESC", str),
    "price": ("p.price_minor", "ASC", int),
    "-price": ("p.price_minor", "DESC", int),
    "rating": ("p.rating_average::text", "DESC", str),
    "popular": ("p.sold_count", "DESC", int),
    "relevance": ("extract(epoch FROM p.created_at)::text", "DESC", str),
}
COUNT_UP_TO = 10_000

_TREE = """
WITH RECURSIVE tree AS (
    SELECT id, id AS root FROM categories
    UNION ALL SELECT c.id, t.root FROM categories c JOIN tree t ON c.parent_id = t.id
), counts AS (
    SELECT t.root, count(p.id) AS products FROM tree t
    LEFT JOIN products p ON p.category_id = t.id AND p.published_at <= now() GROUP BY t.root
)
SELECT c.id, c.parent_id, c.slug, c.name, n.products FROM categories c JOIN counts n ON n.root = c.id
ORDER BY c.position, c.name
"""

_IN_STOCK = """EXISTS (SELECT 1 FROM variants v JOIN stock_items s ON s.variant_id = v.id
    WHERE v.product_id = p.id AND s.on_hand > s.held)"""


@dataclass(frozen=True)
class ProductQuery:
    """What to list. Prices in minor units; `category` holds slugs, each with its descendants."""

    category: Sequence[str] = ()
    q: str | None = None
    min_price: int | None = None
    max_price: int | None = None
    in_stock: bool | None = None
    sort: str = "newest"
    limit: int = 24
    cursor: str | None = None


def list_categories() -> list[dict[str, Any]]:
    """The category tree: {id, slug, name, count, children}; `count` includes descendants."""
    found = db.rows(_TREE)
    nodes: dict[Any, dict[str, Any]] = {
        r.id: {"id": str(r.id), "slug": r.slug, "name": r.name, "count": r.products, "children": []} for r in found
    }
    roots: list[dict[str, Any]] = []
    for r in found:
        siblings: list[dict[str, Any]] = nodes[r.parent_id]["children"] if r.parent_id else roots
        siblings.append(nodes[r.id])
    return roots


def list_products(query: ProductQuery) -> dict[str, Any]:
    """A page of cards with the total: {items, next_cursor, total: {count, exact}}. Raises Invalid."""
    if query.sort not in SORTS:
        raise Invalid({"sort": [f"One of {', '.join(SORTS)}."]})
    where, params = _filters(query)
    column, direction, kind = SORTS[query.sort]
    after = ""
    if query.cursor:
        key, last = decode_cursor(query.cursor, kind, str)
        sign = "<" if direction == "DESC" else ">"
        cast = "numeric" if kind is str else "bigint"
        after = f"AND (({column})::{cast}, p.id) {sign} (CAST(:key AS {cast}), CAST(:last AS uuid))"
        params |= {"key": key, "last": _uuid(last)}
    order = f"({column})::numeric {direction}, p.id {direction}"
    found = db.rows(
        f"""
        SELECT p.id, {column} AS key, p.card || jsonb_build_object('in_stock', {_IN_STOCK}) AS card
        FROM products p WHERE {where} {after} ORDER BY {order} LIMIT :limit
        """,
        **params,
        limit=query.limit + 1,
    )
    shown, cursor = page(found, query.limit, "key", "id")
    return {"items": [r.card for r in shown], "next_cursor": cursor, "total": _total(query)}


def _total(query: ProductQuery) -> dict[str, Any]:
    where, params = _filters(query)
    count = db.scalar(
        f"SELECT count(*) FROM (SELECT 1 FROM products p WHERE {where} LIMIT :most) t",
        **params,
        most=COUNT_UP_TO + 1,
    )
    return {"count": min(count, COUNT_UP_TO), "exact": count <= COUNT_UP_TO}


def _uuid(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise Invalid({"cursor": ["Not a cursor of this list."]}) from None


def _filters(query: ProductQuery) -> tuple[str, dict[str, Any]]:
    parts, params = ["p.published_at <= now()"], dict[str, Any]()
    if query.category:
        parts.append(
            "p.category_id IN (WITH RECURSIVE t AS (SELECT id FROM categories WHERE slug = ANY(:category)"
            " UNION SELECT c.id FROM categories c JOIN t ON c.parent_id = t.id) SELECT id FROM t)"
        )
        params["category"] = list(query.category)
    if query.q:
        for i, word in enumerate(query.q.split()[:8]):
            parts.append(
                f"(p.name ILIKE :q{i} OR p.description ILIKE :q{i} OR EXISTS"
                f" (SELECT 1 FROM variants v WHERE v.product_id = p.id AND v.sku ILIKE :q{i}))"
            )
            params[f"q{i}"] = "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    for name, sign in (("min_price", ">="), ("max_price", "<=")):
        if getattr(query, name) is not None:
            parts.append(f"p.price_minor {sign} :{name}")
            params[name] = getattr(query, name)
    if query.in_stock is not None:
        parts.append(_IN_STOCK if query.in_stock else f"NOT {_IN_STOCK}")
    return " AND ".join(parts), params


_VARIANTS = """
SELECT v.id, v.sku, v.options, v.currency, v.price_minor, v.compare_at_minor,
       coalesce(s.on_hand - s.held, 0) AS available
FROM variants v LEFT JOIN stock_items s ON s.variant_id = v.id WHERE v.product_id = :id ORDER BY v.position, v.sku
"""

_BREADCRUMBS = """
WITH RECURSIVE up AS (
    SELECT id, parent_id, slug, name, 0 AS depth FROM categories WHERE id = :id
    UNION ALL SELECT c.id, c.parent_id, c.slug, c.name, up.depth + 1 FROM categories c JOIN up ON c.id = up.parent_id
)
SELECT id, slug, name FROM up ORDER BY depth DESC
"""


def get_product(slug_or_id: str) -> dict[str, Any]:
    """The full product by slug or id. Raises NotFound."""
    try:
        condition, key = "id = :key", UUID(slug_or_id)
    except ValueError:
        condition, key = "slug = :key", slug_or_id  # type: ignore[assignment]
    found = db.row(
        f"SELECT id, category_id, description, attributes, options, card FROM products"
        f" WHERE {condition} AND published_at <= now()",
        key=key,
    )
    if found is None:
        raise NotFound("product")
    return product_document(found, db.rows(_VARIANTS, id=found.id), db.rows(_BREADCRUMBS, id=found.category_id))


def variant_pictures(variant_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """By variant id, the product's {product_slug, image}, for lines that were bought and may be gone by now."""
    found = db.rows(
        "SELECT v.id, p.slug, p.card -> 'image' AS image FROM variants v JOIN products p ON p.id = v.product_id"
        " WHERE v.id = ANY(:ids) AND p.published_at <= now()",
        ids=[UUID(variant_id) for variant_id in variant_ids],
    )
    return {str(r.id): {"product_slug": r.slug, "image": r.image} for r in found}
