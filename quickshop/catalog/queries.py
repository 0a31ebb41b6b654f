"""Reads of the catalogue, shaped for reading: one statement that returns a ready document. Lists are in `search`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from quickshop.catalog.asked import other_currency
from quickshop.catalog.documents import extended, list_item
from quickshop.catalog.prices import PRICE_NOW, WAS_NOW, card, listed, price_in, prices_in, was_in
from quickshop.kernel import db
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.prepared import PLANNED_ONCE

# Whether products `p` are on show at this moment.
SHOWN = "p.published_at <= now() AND coalesce(now() < p.withdrawn_at, true)"
RELATED = 8

_TREE = """
WITH counts AS (
    SELECT above.id, sum(t.products) AS products FROM category_tallies t JOIN categories c ON c.id = t.category_id
    CROSS JOIN unnest(c.path) above (id) GROUP BY above.id
)
SELECT c.id, c.parent_id, c.slug, c.name, coalesce(n.products, 0) AS products
FROM categories c LEFT JOIN counts n ON n.id = c.id ORDER BY c.position, c.name
"""


def list_categories() -> list[dict[str, Any]]:
    """The category tree: {id, slug, name, count, children}; `count` includes descendants."""
    found = db.rows(_TREE)
    nodes: dict[Any, dict[str, Any]] = {
        r.id: {"id": str(r.id), "slug": r.slug, "name": r.name, "count": int(r.products), "children": []} for r in found
    }
    roots: list[dict[str, Any]] = []
    for r in found:
        siblings: list[dict[str, Any]] = nodes[r.parent_id]["children"] if r.parent_id else roots
        siblings.append(nodes[r.id])
    return roots


def present_category_slug(slug: str) -> str | None:
    """The slug of the category that had this one before, or None."""
    found: str | None = db.scalar(
        "SELECT c.slug FROM category_slugs s JOIN categories c ON c.id = s.category_id WHERE s.slug = :slug", slug=slug
    )
    return found


# Kept slugs are looked at only where no product has this one now.
_BY_SLUG = """coalesce((SELECT id FROM products WHERE slug = :key),
                       (SELECT product_id FROM product_slugs WHERE slug = :key))"""

# In another currency a variant without a price in it has none, and says so; what it costs elsewhere is not told.
_PRODUCT = """
SELECT {card} AS card, json_build_object(
    'in_stock', coalesce(bool_or(v.available > 0{sold}), false),
    'description', p.description, 'attributes', p.attributes, 'options', p.options, 'images', p.images,
    'labels', (SELECT json_object_agg(a.name, a.label) FROM attributes a
               WHERE a.name IN (SELECT jsonb_object_keys(p.attributes))),
    'categories', (SELECT json_agg(json_build_object('id', c.id, 'slug', c.slug, 'name', c.name) ORDER BY up.depth)
                   FROM categories own CROSS JOIN unnest(own.path) WITH ORDINALITY up (id, depth)
                   JOIN categories c ON c.id = up.id WHERE own.id = p.category_id),
    'variants', json_agg(json_build_object('id', v.id, 'sku', v.sku, 'options', v.options,
        'price', {price},
        'compare_at_price', CASE WHEN v.was IS NOT NULL
            THEN json_build_object('amount', v.was, 'currency', v.currency) END,
        'available', v.available, 'image', v.image) ORDER BY v.position, v.sku))::text AS page
FROM products p {join} CROSS JOIN LATERAL (
    SELECT v.id, v.sku, v.options, {currency} AS currency, v.image, v.position, {price_now} AS price, {was_now} AS was,
           coalesce(s.on_hand - s.held, 0) AS available
    FROM variants v {prices} LEFT JOIN stock_items s ON s.variant_id = v.id WHERE v.product_id = p.id
) v
WHERE p.id = {key} AND {shown} GROUP BY {group}
"""
_PRICE = "json_build_object('amount', v.price, 'currency', v.currency)"
_ASKED = "CAST(:currency AS text)"


def _product(key: str, *, abroad: bool) -> str:
    """The statement that reads a product whose id is `key`, in its own prices or in the currency that is asked for."""
    document, join = card(abroad)
    return PLANNED_ONCE + _PRODUCT.format(
        card=document,
        join=join,
        sold=" AND v.price IS NOT NULL" if abroad else "",
        price=f"CASE WHEN v.price IS NOT NULL THEN {_PRICE} END" if abroad else _PRICE,
        currency=_ASKED if abroad else "v.currency",
        price_now=price_in(_ASKED) if abroad else PRICE_NOW,
        was_now=was_in(_ASKED) if abroad else WAS_NOW,
        prices=prices_in(_ASKED) if abroad else "",
        key=key,
        shown=SHOWN,
        group="p.id, lp.product_id, lp.currency" if abroad else "p.id",
    )


# By whether an id is given, and whether another currency is.
_READ = {
    (by_id, abroad): _product(":key" if by_id else _BY_SLUG, abroad=abroad)
    for by_id in (True, False)
    for abroad in (True, False)
}


def product_json(slug_or_id: str, currency: str | None = None) -> bytes:
    """The full product by id, slug, or a slug it had before, as JSON. Raises NotFound, Invalid.

    In another of the shop's currencies `price` is null for what is not sold in it.
    """
    asked = other_currency(currency)
    params = {} if asked is None else {"currency": asked}
    try:
        found = db.row(_READ[True, asked is not None], key=UUID(slug_or_id), **params)
    except ValueError:
        found = db.row(_READ[False, asked is not None], key=slug_or_id, **params)
    if found is None:
        raise NotFound("product")
    return extended(found.card, found.page).encode()


def get_product(slug_or_id: str, currency: str | None = None) -> dict[str, Any]:
    """The same as a value. Raises NotFound, Invalid."""
    product: dict[str, Any] = orjson.loads(product_json(slug_or_id, currency))
    return product


_RELATED = """
WITH chosen AS (
    SELECT related_id AS id, 0 AS tier, CAST(position AS bigint) AS rank FROM product_relations WHERE product_id = :id
    UNION ALL (
        SELECT product_id, 1, -popularity FROM {listed}
        WHERE category_id = (SELECT category_id FROM products WHERE id = :id) AND product_id <> :id
        ORDER BY popularity DESC, product_id LIMIT :limit
    )
), once AS (
    SELECT DISTINCT ON (id) * FROM chosen ORDER BY id, tier
)
SELECT {card} AS card, l.in_stock
FROM once o JOIN {listed} ON l.product_id = o.id JOIN products p ON p.id = o.id {join}
ORDER BY o.tier, o.rank, o.id LIMIT :limit
"""


def related_json(product_id: UUID, limit: int = RELATED, currency: str | None = None) -> bytes:
    """What staff put beside a product, then the most bought of its category: {items, next_cursor} as JSON.

    In another currency only what is sold in it. Raises Invalid.
    """
    asked = other_currency(currency)
    document, join = card(asked is not None)
    sql = _RELATED.format(listed=listed(asked is not None), card=document, join=join)
    params = {} if asked is None else {"currency": asked}
    items = [list_item(r.card, r.in_stock) for r in db.rows(sql, id=product_id, limit=limit, **params)]
    return ('{"items":[' + ",".join(items) + '],"next_cursor":null}').encode()


def product_id_of(slug_or_id: str) -> UUID:
    """The id of a product that is on show. Raises NotFound."""
    try:
        condition, key = ":key", UUID(slug_or_id)
    except ValueError:
        condition, key = _BY_SLUG, slug_or_id  # type: ignore[assignment]
    found: UUID | None = db.scalar(f"SELECT p.id FROM products p WHERE p.id = {condition} AND {SHOWN}", key=key)
    if found is None:
        raise NotFound("product")
    return found


def product_ids_of(slugs: Sequence[str]) -> list[UUID]:
    """The ids of products by slug, in this order, on show or not. Raises Invalid, naming those that do not exist."""
    found = {r.slug: r.id for r in db.rows("SELECT slug, id FROM products WHERE slug = ANY(:slugs)", slugs=list(slugs))}
    unknown = [slug for slug in slugs if slug not in found]
    if unknown:
        raise Invalid({"related": [f"There is no product {', '.join(unknown)}."]})
    return [found[slug] for slug in slugs]


def cards(product_ids: Sequence[UUID], currency: str | None = None) -> list[dict[str, Any]]:
    """The list items of these products in this order, without those that are not on show.

    In another currency `price` is null for what is not sold in it. Raises Invalid.
    """
    asked = other_currency(currency)
    document, join = card(asked is not None)
    params = {} if asked is None else {"currency": asked}
    found = db.rows(
        f"SELECT {document} AS card, l.in_stock FROM unnest(CAST(:ids AS uuid[])) WITH ORDINALITY w (id, n)"
        f" JOIN listings l ON l.product_id = w.id JOIN products p ON p.id = w.id {join} ORDER BY w.n",
        ids=list(product_ids),
        **params,
    )
    return [orjson.loads(list_item(r.card, r.in_stock)) for r in found]


def slugs_of(product_ids: Sequence[UUID]) -> list[str]:
    """The slugs of products, in this order, on show or not."""
    found = {r.id: r.slug for r in db.rows("SELECT id, slug FROM products WHERE id = ANY(:ids)", ids=list(product_ids))}
    return [found[known] for known in product_ids if known in found]


def variant_pictures(variant_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """By variant id, the product's {product_slug, image}, for lines that were bought and may be gone by now."""
    found = db.rows(
        "SELECT v.id, p.slug, coalesce(v.image, p.image) AS image"
        " FROM variants v JOIN products p ON p.id = v.product_id"
        f" WHERE v.id = ANY(:ids) AND {SHOWN}",
        ids=[UUID(variant_id) for variant_id in variant_ids],
    )
    return {str(r.id): {"product_slug": r.slug, "image": r.image} for r in found}


@dataclass(frozen=True)
class Address:
    """A page that search engines should know: a product's slug and when it last changed."""

    slug: str
    updated_at: Any


def addresses(number: int, size: int) -> list[Address]:
    """Page `number` (from 0) of all products on show, `size` at a time, oldest first."""
    found = db.rows(
        "SELECT p.slug, p.updated_at FROM listings l JOIN products p ON p.id = l.product_id"
        " ORDER BY l.published_us, l.product_id LIMIT :size OFFSET :start",
        size=size,
        start=number * size,
    )
    return [Address(r.slug, r.updated_at) for r in found]


def products_on_show() -> int:
    """How many products are on show."""
    return int(db.scalar("SELECT coalesce(sum(products), 0) FROM category_tallies"))
