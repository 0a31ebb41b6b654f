"""What the processes with open sockets look up again from time to time, for all their sockets in one statement."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from quickshop.kernel import db


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
