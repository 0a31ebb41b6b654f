"""What the processes with open sockets look up again from time to time, for all their sockets in one statement."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from quickshop.inventory.levels import low, shown
from quickshop.kernel import db
from quickshop.kernel.clock import now, rfc3339
from quickshop.kernel.money import money


def order_heads(order_ids: Collection[UUID]) -> dict[UUID, int]:
    """The last seq of each order's log."""
    if not order_ids:
        return {}
    found = db.rows("SELECT id, event_seq FROM orders WHERE id = ANY(:ids)", ids=list(order_ids))
    return {r.id: r.event_seq for r in found}


def account_heads(user_ids: Collection[UUID]) -> dict[UUID, int]:
    """The last seq of each account's log."""
    if not user_ids:
        return {}
    found = db.rows("SELECT id, event_seq FROM users WHERE id = ANY(:ids)", ids=list(user_ids))
    return {r.id: r.event_seq for r in found}


def product_exists(product_id: UUID) -> bool:
    """Whether a product of this id exists."""
    return bool(db.scalar("SELECT EXISTS (SELECT FROM products WHERE id = :id)", id=product_id))


# One statement for all products that anybody follows, once a second.
_PRODUCTS = """
SELECT v.product_id, v.id AS variant_id, v.price_minor, v.compare_at_minor, v.currency,
       coalesce(s.on_hand - s.held, 0) AS available
FROM variants v LEFT JOIN stock_items s ON s.variant_id = v.id WHERE v.product_id = ANY(:ids)
ORDER BY v.product_id, v.position, v.id
"""


def product_topic(product_id: UUID | str) -> str:
    """The topic of a product's frames."""
    return f"product:{product_id}"


def product_frames(product_ids: Collection[UUID]) -> list[dict[str, Any]]:
    """What is true of the variants of these products now: `stock.updated` and `price.updated` of each."""
    if not product_ids:
        return []
    at = rfc3339(now())
    return [
        {"topic": product_topic(r.product_id), "seq": None, "type": type_, "at": at, "data": data}
        for r in db.rows(_PRODUCTS, ids=list(product_ids))
        for type_, data in (("stock.updated", _stock(r)), ("price.updated", _price(r)))
    ]


def _stock(row: Any) -> dict[str, Any]:
    return {"variant_id": str(row.variant_id), "available": shown(row.available), "low": low(row.available)}


def _price(row: Any) -> dict[str, Any]:
    compare_at = row.compare_at_minor
    return {
        "variant_id": str(row.variant_id),
        "price": money(row.price_minor, row.currency),
        "compare_at_price": money(compare_at, row.currency) if compare_at else None,
    }


def what_of(frame: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """What a frame of a product tells the state of, so that a later one takes its place; None for any other frame."""
    variant_id = frame["data"].get("variant_id")
    if variant_id is None or frame["type"] not in ("stock.updated", "price.updated"):
        return None
    return frame["topic"], frame["type"], variant_id
