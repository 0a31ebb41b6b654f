"""Writing many products and variants in a few statements, by what names them: slugs and SKUs.

The same rules as the verbs for one: price history, word for those who wait for a price, old slugs. `write` leaves the
read side to its caller, who may have stock to write in between or ten thousand rows to come: `index` what it returns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from quickshop.catalog.errors import CatalogConflict
from quickshop.catalog.indexing import lock
from quickshop.catalog.prices import PRICE_NOW
from quickshop.kernel import db, facts
from quickshop.kernel.ids import new_id
from quickshop.kernel.outbox import dump

NOW = "now"
_PRODUCT_COLUMNS = (
    "id uuid, slug text, name text, description text, category_id uuid, tax_class text, attributes jsonb, options jsonb"
)
_VARIANT_COLUMNS = (
    "id uuid, product_id uuid, sku text, options jsonb, currency text, price_minor bigint, compare_at_minor bigint,"
    " sale_price_minor bigint, sale_from timestamptz, sale_until timestamptz, weight_grams int, position int"
)
_PRICES = ("price_minor", "compare_at_minor", "sale_price_minor", "sale_from", "sale_until")
_OF_VARIANT = ("options", "currency", *_PRICES, "weight_grams")
_NOTHING: dict[str, Any] = {"options": {}, "weight_grams": 0, **dict.fromkeys(_PRICES)}


@dataclass(frozen=True)
class Line:
    """A variant and what is given of it and of its product; what is not given stays, or is the default of a new one.

    `slug` None leaves everything of the product as it is: the variant must exist. `product` may hold name, description
    (safe HTML), category_id, tax_class (its code), attributes, and `publish`: NOW, None (a draft) or the moment as ISO
    8601; `variant` options, currency, the prices and weight_grams.
    """

    sku: str
    slug: str | None = None
    product: Mapping[str, Any] = field(default_factory=dict)
    variant: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Written:
    """Ids by SKU, those of new variants among them, and the products that must be indexed."""

    variants: Mapping[str, UUID]
    new_variants: frozenset[UUID]
    changed: list[UUID]


def write(lines: Sequence[Line], *, show_new: bool = True, lock_products: bool = True) -> Written:
    """Make and change products and variants as the lines say; one SKU stands in one line.

    New products are drafts where not `show_new`: `show` them later. `lock_products` is False where nothing but prices
    changes and the transaction is long: shoppers who take a last unit wait for a product's lock.
    Raises CatalogConflict for a SKU that is not there or of another product; IntegrityError for a broken rule.
    """
    by_slug = {line.slug: line for line in lines if line.slug is not None}
    made = _make_products(lines) if by_slug else {}
    products = _ids("slug", "id", "products", by_slug)
    owners = _ids("sku", "product_id", "variants", [line.sku for line in lines])
    if lock_products:
        lock([*{*products.values(), *owners.values()}])
    touched = _change_products(lines, products, made, show_new) if by_slug else set()
    variants, new, changed = _write_variants(lines, products)
    touched |= changed
    if by_slug:
        _extend_options(lines, products, touched)
    if lock_products:
        note_change(touched - {*made.values()})
    facts.announce("product.created", *[{"product_id": str(made[slug]), "slug": slug} for slug in sorted(made)])
    return Written(variants, frozenset(new), sorted(touched))


def note_change(product_ids: Iterable[UUID]) -> None:
    """Note that products, or variants of theirs, were changed now; `write` has done so where it locked them."""
    ids = sorted(product_ids)
    if ids:
        lock(ids)
        db.run("UPDATE products SET updated_at = now() WHERE id = ANY(:ids)", ids=ids)
        facts.announce("product.updated", *[{"product_id": str(product_id)} for product_id in ids])


def show(products: Mapping[UUID, str]) -> None:
    """Put new products on show, each from its moment (NOW, or ISO 8601) on; lock them before, `index` them after."""
    db.run(
        """
        UPDATE products p SET published_at = coalesce(g.at, clock_timestamp()), updated_at = now()
        FROM jsonb_to_recordset(CAST(:given AS jsonb)) AS g (id uuid, at timestamptz)
        WHERE p.id = g.id AND p.published_at IS NULL
        """,
        given=dump([{"id": str(i), "at": None if at == NOW else at} for i, at in products.items()]),
    )


def _ids(key: str, value: str, table: str, wanted: Iterable[str]) -> dict[str, UUID]:
    found = db.rows(f"SELECT {key} AS key, {value} AS value FROM {table} WHERE {key} = ANY(:wanted)", wanted=[*wanted])
    return {r.key: r.value for r in found}


# --- products ------------------------------------------------------------------------------------------


def _merged(lines: Sequence[Line]) -> dict[str, dict[str, Any]]:
    """What the lines together say of each product."""
    given: dict[str, dict[str, Any]] = {}
    for line in lines:
        if line.slug is not None:
            given[line.slug] = {**line.product, **given.get(line.slug, {})}
    return given


def _make_products(lines: Sequence[Line]) -> dict[str, UUID]:
    """Make what is missing, as drafts without a price; ids by slug. Somebody else may make it at this moment."""
    given = _merged(lines)
    there = _ids("slug", "id", "products", given)
    rows = [
        {
            "id": str(new_id()),
            "slug": slug,
            "name": said["name"],
            "description": said.get("description", ""),
            "category_id": said["category_id"],
            "tax_class": said.get("tax_class", "standard"),
            "attributes": said.get("attributes", {}),
        }
        for slug, said in sorted(given.items())
        if slug not in there and "name" in said and "category_id" in said
    ]
    if not rows:
        return {}
    made = db.rows(
        f"""
        WITH given AS (SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS g ({_PRODUCT_COLUMNS})),
        freed AS (DELETE FROM product_slugs WHERE slug IN (SELECT slug FROM given))
        INSERT INTO products (id, slug, name, description, category_id, tax_class, attributes, card, price_minor)
        SELECT id, slug, name, description, category_id, nullif(tax_class, 'standard'), attributes, '{{}}', 0
        FROM given ORDER BY slug
        ON CONFLICT (slug) DO NOTHING RETURNING slug, id
        """,
        rows=dump(rows),
    )
    return {r.slug: r.id for r in made}


_SHOWN = "published_at <= now() AND coalesce(now() < withdrawn_at, true)"


def _change_products(
    lines: Sequence[Line], products: Mapping[str, UUID], made: Mapping[str, UUID], show_new: bool
) -> set[UUID]:
    """Change what differs; the ids of products that are not as they were, new ones among them."""
    given = _merged(lines)
    for slug in given:
        if slug not in products:
            raise CatalogConflict("The product is not there any more, and the row does not say enough to make it.")
    found = db.rows(
        f"""
        SELECT id, slug, name, description, category_id, coalesce(tax_class, 'standard') AS tax_class, attributes,
               published_at, withdrawn_at, {_SHOWN} AS shown, card = '{{}}' AS unseen
        FROM products WHERE id = ANY(:ids)
        """,
        ids=[products[slug] for slug in given],
    )
    fresh = set(made.values())
    changed = []
    for row in found:
        said = given[row.slug]
        begins, ends = _publication(said, row, is_new=row.id in fresh, show_new=show_new)
        new = {
            "id": str(row.id),
            "name": said.get("name", row.name),
            "description": said.get("description", row.description),
            "category_id": said.get("category_id", str(row.category_id)),
            "tax_class": said.get("tax_class", row.tax_class),
            "attributes": said.get("attributes", row.attributes),
            "published_at": begins,
            "withdrawn_at": ends,
        }
        old = (row.name, row.description, str(row.category_id), row.tax_class, row.attributes)
        if tuple(new.values())[1:] != (*old, row.published_at, row.withdrawn_at):
            changed.append(new)
    if changed:
        db.run(
            """
            UPDATE products p SET name = g.name, description = g.description, category_id = g.category_id,
                   tax_class = nullif(g.tax_class, 'standard'), attributes = g.attributes,
                   published_at = g.published_at, withdrawn_at = g.withdrawn_at
            FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS g (id uuid, name text, description text,
                 category_id uuid, tax_class text, attributes jsonb, published_at timestamptz, withdrawn_at timestamptz)
            WHERE p.id = g.id
            """,
            rows=dump(changed),
        )
    return {UUID(row["id"]) for row in changed} | fresh


def _publication(
    said: Mapping[str, Any], row: Any, *, is_new: bool, show_new: bool
) -> tuple[datetime | None, datetime | None]:
    """From when until when a product is on show."""
    if row.unseen and not show_new:
        return None, None  # it has nothing to show yet
    if "publish" not in said and not is_new:
        return row.published_at, row.withdrawn_at
    wish = said.get("publish", NOW)
    if wish is None:
        return None, None
    if wish == NOW:
        return (row.published_at, row.withdrawn_at) if row.shown else (datetime.now(UTC), None)
    begins = datetime.fromisoformat(wish)
    if begins == row.published_at:
        return row.published_at, row.withdrawn_at
    return begins, row.withdrawn_at if row.withdrawn_at and row.withdrawn_at > begins else None


def _extend_options(lines: Sequence[Line], products: Mapping[str, UUID], touched: set[UUID]) -> None:
    """Let each product offer what its variants are: names and values that are missing are added at the end."""
    wanted: dict[UUID, list[Mapping[str, str]]] = {}
    for line in lines:
        if line.slug is not None and line.variant.get("options"):
            wanted.setdefault(products[line.slug], []).append(line.variant["options"])
    changed: list[dict[str, Any]] = []
    for row in db.rows("SELECT id, options FROM products WHERE id = ANY(:ids)", ids=[*wanted]) if wanted else []:
        offered = extended(row.options, wanted[row.id])
        if offered != row.options:
            changed.append({"id": str(row.id), "options": offered})
    if changed:
        db.run(
            """
            UPDATE products p SET options = g.options
            FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS g (id uuid, options jsonb) WHERE p.id = g.id
            """,
            rows=dump(changed),
        )
        touched |= {UUID(row["id"]) for row in changed}


def extended(options: Sequence[Mapping[str, Any]], variants: Iterable[Mapping[str, str]]) -> list[dict[str, Any]]:
    """Options [{name, values}] with whatever these variants are and they do not offer yet. Pure."""
    found = [{**option, "values": [*option["values"]]} for option in options]
    by_name = {option["name"]: option for option in found}
    for variant in variants:
        for name, value in variant.items():
            if name not in by_name:
                by_name[name] = {"name": name, "values": []}
                found.append(by_name[name])
            if value not in by_name[name]["values"]:
                by_name[name]["values"].append(value)
    return found


# --- variants ------------------------------------------------------------------------------------------

_FIND = f"""
SELECT v.id, v.product_id, v.sku, {", ".join(f"v.{name}" for name in _OF_VARIANT)}, v.position
FROM variants v WHERE v.sku = ANY(:skus) ORDER BY v.id FOR NO KEY UPDATE
"""

_INSERT = f"""
WITH given AS (SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS g ({_VARIANT_COLUMNS})),
last AS (SELECT product_id, max(position) AS position FROM variants
         WHERE product_id IN (SELECT product_id FROM given) GROUP BY product_id),
made AS (
    INSERT INTO variants (id, product_id, sku, {", ".join(_OF_VARIANT)}, position)
    SELECT g.id, g.product_id, g.sku, {", ".join(f"g.{name}" for name in _OF_VARIANT)},
           coalesce(l.position + 1, 0) + row_number() OVER (PARTITION BY g.product_id ORDER BY g.position) - 1
    FROM given g LEFT JOIN last l USING (product_id) ORDER BY g.sku ON CONFLICT (sku) DO NOTHING
    RETURNING id, sku, {", ".join(_PRICES)}
), priced AS (
    INSERT INTO price_changes (variant_id, {", ".join(_PRICES)}) SELECT id, {", ".join(_PRICES)} FROM made ORDER BY id
), stocked AS (
    INSERT INTO stock_items (variant_id) SELECT id FROM made ORDER BY id
)
SELECT id, sku FROM made
"""

_UPDATE = f"""
WITH given AS (SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS g ({_VARIANT_COLUMNS}, repriced boolean)),
before AS (
    SELECT v.id, {PRICE_NOW} AS price FROM variants v WHERE v.id IN (SELECT id FROM given)
), changed AS (
    UPDATE variants v SET {", ".join(f"{name} = g.{name}" for name in _OF_VARIANT)} FROM given g WHERE v.id = g.id
    RETURNING v.id, g.repriced, {", ".join(f"v.{name}" for name in _PRICES)}, v.currency, {PRICE_NOW} AS price
), told AS (
    INSERT INTO pending_facts (consumer, type, data)
    SELECT 'wishlists', 'catalog.price_changed', jsonb_build_object('variant_id', c.id, 'before_minor', b.price,
           'after_minor', c.price, 'currency', c.currency)
    FROM changed c JOIN before b ON b.id = c.id WHERE c.price <> b.price
)
INSERT INTO price_changes (variant_id, {", ".join(_PRICES)})
SELECT id, {", ".join(_PRICES)} FROM changed WHERE repriced ORDER BY id
"""


def _write_variants(
    lines: Sequence[Line], products: Mapping[str, UUID]
) -> tuple[dict[str, UUID], set[UUID], set[UUID]]:
    """Ids by SKU, those that are new, and the products of what changed."""
    new = _insert_variants(lines, products)
    changed, touched = [], {products[line.slug] for line in lines if line.slug and line.sku in new}
    found = {row.sku: row for row in db.rows(_FIND, skus=[line.sku for line in lines])}
    for line in lines:
        row = found.get(line.sku)
        if row is None:
            raise CatalogConflict("There is no variant of this SKU any more.", field="sku")
        if line.slug is not None and row.product_id != products[line.slug]:
            raise CatalogConflict("Another product has a variant of this SKU.", field="sku")
        if line.variant.get("currency", row.currency) != row.currency:
            raise CatalogConflict("It is sold in another currency.", field="currency")
        after = _after(row, line.variant)
        if after and row.id not in new.values():
            changed.append(after)
            touched.add(row.product_id)
    if changed:
        db.run(_UPDATE, rows=dump(changed))
    return {sku: row.id for sku, row in found.items()}, set(new.values()), touched


def _insert_variants(lines: Sequence[Line], products: Mapping[str, UUID]) -> dict[str, UUID]:
    there = _ids("sku", "id", "variants", [line.sku for line in lines])
    rows = [
        {
            **_NOTHING,
            **line.variant,
            "id": str(new_id()),
            "product_id": str(products[line.slug]),
            "sku": line.sku,
            "position": place,
        }
        for place, line in enumerate(lines)
        if line.slug is not None and line.sku not in there
    ]
    return {r.sku: r.id for r in db.rows(_INSERT, rows=dump(rows))} if rows else {}


def _after(row: Any, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """The variant as it shall be, or None where that is how it is."""
    after = {name: given.get(name, getattr(row, name)) for name in _OF_VARIANT}
    moments = {name: _moment(after[name]) for name in ("sale_from", "sale_until")}
    before = {name: getattr(row, name) for name in _OF_VARIANT}
    if after | moments == before:
        return None
    repriced = any((after | moments)[name] != before[name] for name in _PRICES)
    return {**after, "id": str(row.id), "repriced": repriced}


def _moment(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
