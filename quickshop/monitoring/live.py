"""What the processes with open sockets look up again from time to time, for all their sockets in one statement."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from quickshop.catalog.prices import PRICE_NOW, WAS_NOW
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


# One statement for all products that anybody follows, twice a second.
_PRODUCTS = f"""
SELECT v.product_id, v.id AS variant_id, {PRICE_NOW} AS price_minor, {WAS_NOW} AS compare_at_minor, v.currency,
       coalesce(s.on_hand - s.held, 0) AS available
FROM variants v LEFT JOIN stock_items s ON s.variant_id = v.id WHERE v.product_id = ANY(:ids)
"""


def product_topic(product_id: UUID | str) -> str:
    """The topic of a product's frames."""
    return f"product:{product_id}"


def variants_now(product_ids: Collection[UUID]) -> list[Any]:
    """The variants of these products with price and stock as they are now; `frames_of` tells of one."""
    return db.rows(_PRODUCTS, ids=list(product_ids)) if product_ids else []


def frames_of(row: Any) -> list[dict[str, Any]]:
    """What is true of a variant: `stock.updated` and `price.updated`."""
    topic, at, variant_id = product_topic(row.product_id), rfc3339(now()), str(row.variant_id)
    compare_at = row.compare_at_minor
    stock = {"variant_id": variant_id, "available": shown(row.available), "low": low(row.available)}
    price = {
        "variant_id": variant_id,
        "price": money(row.price_minor, row.currency),
        "compare_at_price": money(compare_at, row.currency) if compare_at else None,
    }
    return [
        {"topic": topic, "seq": None, "type": type_, "at": at, "data": data}
        for type_, data in (("stock.updated", stock), ("price.updated", price))
    ]


def product_frames(product_ids: Collection[UUID]) -> list[dict[str, Any]]:
    """What is true of all variants of these products now."""
    return [frame for row in variants_now(product_ids) for frame in frames_of(row)]


def what_of(frame: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """What a frame of a product tells the state of, so that a later one takes its place; None for any other frame."""
    variant_id = frame["data"].get("variant_id")
    if variant_id is None or frame["type"] not in ("stock.updated", "price.updated"):
        return None
    return frame["topic"], frame["type"], variant_id
