"""Reads of wishlists: one's own, and what a link shows to others. Prices and stock are always those of now."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from quickshop.accounts.people import person_key
from quickshop.catalog.prices import PRICE_NOW, WAS_NOW
from quickshop.extensions import settings
from quickshop.kernel import db
from quickshop.kernel.clock import rfc3339
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.money import money
from quickshop.kernel.pagination import decode_cursor, encode_cursor
from quickshop.wishlists.service import place
from quickshop.wishlists.sharing import genuine, named_list, share_token

_LISTS = """
SELECT w.id, w.name, w.is_default, w.shared, w.share_number, w.price_alerts, w.created_at, w.updated_at,
       per.id AS person_id, per.key_id, per.wrapped_key,
       (SELECT count(*) FROM wishlist_items i WHERE i.wishlist_id = w.id) AS items
FROM wishlists w JOIN users u ON u.id = w.user_id JOIN persons per ON per.id = u.person_id
"""

_ITEMS = f"""
SELECT i.variant_id, i.added_at, i.price_minor AS then_minor, i.currency AS then_currency, v.sku, v.options,
       {PRICE_NOW} AS price_minor, {WAS_NOW} AS compare_at_minor, v.currency, p.id AS product_id, p.slug, p.name,
       p.card -> 'image' AS image,
       coalesce(p.published_at <= now(), false) AS on_sale, coalesce(s.on_hand - s.held, 0) AS available
FROM wishlist_items i JOIN variants v ON v.id = i.variant_id JOIN products p ON p.id = v.product_id
LEFT JOIN stock_items s ON s.variant_id = v.id
WHERE i.wishlist_id = :list
"""


def _document(row: Any) -> dict[str, Any]:
    person = person_key(row.person_id, row.key_id, row.wrapped_key)
    return {
        "id": str(row.id),
        "name": person.unseal(row.name, place(row.id)),
        "default": row.is_default,
        "shared": row.shared,
        "share": _share(row) if row.shared else None,
        "price_alerts": row.price_alerts,
        "item_count": row.items,
        "created_at": rfc3339(row.created_at),
        "updated_at": rfc3339(row.updated_at),
    }


def _share(row: Any) -> dict[str, str]:
    token = share_token(row.id, row.share_number)
    return {"token": token, "url": f"{settings().public_url}/wishlists/shared/{token}"}


def _item(row: Any) -> dict[str, Any]:
    """An item; what is not on sale any more keeps its name and has no address."""
    return {
        "variant_id": str(row.variant_id),
        "product_id": str(row.product_id),
        "product_slug": row.slug if row.on_sale else None,
        "sku": row.sku,
        "name": row.name,
        "options": row.options,
        "image": row.image,
        "price": money(row.price_minor, row.currency),
        "compare_at_price": money(row.compare_at_minor, row.currency) if row.compare_at_minor else None,
        "price_when_added": money(row.then_minor, row.then_currency),
        "available": max(row.available, 0) if row.on_sale else 0,
        "on_sale": row.on_sale,
        "added_at": rfc3339(row.added_at),
    }


def lists_of(user_id: UUID) -> list[dict[str, Any]]:
    """A member's lists, the default one first, then the oldest."""
    found = db.rows(f"{_LISTS} WHERE w.user_id = :user ORDER BY w.is_default DESC, w.id", user=user_id)
    return [_document(r) for r in found]


def wishlist(user_id: UUID, wishlist_id: UUID, *, limit: int = 100, cursor: str | None = None) -> dict[str, Any]:
    """One of a member's lists with a page of its items, the last added first. Raises NotFound, Invalid."""
    row = db.row(f"{_LISTS} WHERE w.id = :id AND w.user_id = :user", id=wishlist_id, user=user_id)
    if row is None:
        raise NotFound("wishlist")
    return {**_document(row), **_items(wishlist_id, limit, cursor, only_on_sale=False)}


def shared_wishlist(token: str, *, limit: int = 100, cursor: str | None = None) -> dict[str, Any]:
    """What the holder of a link sees: {name, items, next_cursor}, nothing of the owner. Raises NotFound, Invalid."""
    wishlist_id = named_list(token)
    row = db.row(f"{_LISTS} WHERE w.id = :id AND w.shared", id=wishlist_id) if wishlist_id else None
    if row is None or row.wrapped_key is None or not genuine(token, row.share_number):
        raise NotFound("wishlist")
    return {"name": _document(row)["name"], **_items(row.id, limit, cursor, only_on_sale=True)}


def _items(wishlist_id: UUID, limit: int, cursor: str | None, *, only_on_sale: bool) -> dict[str, Any]:
    parts, params = [""], dict[str, Any]()
    if only_on_sale:
        parts.append("p.published_at <= now()")
    if cursor:
        parts.append("(i.added_at, i.variant_id) < (:at, :last)")
        params["at"], params["last"] = _place(cursor)
    sql = f"{_ITEMS}{' AND '.join(parts)} ORDER BY i.added_at DESC, i.variant_id DESC LIMIT :limit"
    found = db.rows(sql, list=wishlist_id, limit=limit + 1, **params)
    shown = found[:limit]
    more = len(found) > limit
    following = encode_cursor(shown[-1].added_at.isoformat(), str(shown[-1].variant_id)) if more else None
    return {"items": [_item(r) for r in shown], "next_cursor": following}


def _place(cursor: str) -> tuple[datetime, UUID]:
    at, last = decode_cursor(cursor, str, str)
    try:
        return datetime.fromisoformat(at), UUID(last)
    except ValueError:
        raise Invalid({"cursor": ["Not a cursor of this list."]}) from None


def wished(user_id: UUID) -> frozenset[str]:
    """The variants that stand on any list of a member."""
    found = db.rows(
        "SELECT DISTINCT i.variant_id FROM wishlist_items i JOIN wishlists w ON w.id = i.wishlist_id"
        " WHERE w.user_id = :user",
        user=user_id,
    )
    return frozenset(str(r.variant_id) for r in found)


def alerts_of(user_id: UUID) -> list[dict[str, Any]]:
    """What a member waits for, the last asked first."""
    found = db.rows(
        """
        SELECT a.variant_id, a.asked_at, v.sku, v.options, p.id AS product_id, p.slug, p.name,
               p.card -> 'image' AS image
        FROM stock_alerts a JOIN variants v ON v.id = a.variant_id JOIN products p ON p.id = v.product_id
        WHERE a.user_id = :user AND a.state = 'waiting' ORDER BY a.id DESC
        """,
        user=user_id,
    )
    return [
        {
            "variant_id": str(r.variant_id),
            "product_id": str(r.product_id),
            "product_slug": r.slug,
            "sku": r.sku,
            "name": r.name,
            "options": r.options,
            "image": r.image,
            "asked_at": rfc3339(r.asked_at),
        }
        for r in found
    ]


def everything_of(user_id: UUID) -> dict[str, Any]:
    """All lists with all items, and all alerts, for the copy of a member's data."""
    return {
        "wishlists": [
            {**found, **_items(UUID(found["id"]), 10_000, None, only_on_sale=False)} for found in lists_of(user_id)
        ],
        "stock_alerts": alerts_of(user_id),
    }
