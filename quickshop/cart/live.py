"""What those who follow a cart on other devices are told. Nobody is told of a cart that nobody follows."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from quickshop.kernel import db, outbox
from quickshop.kernel.clock import now, rfc3339

CART_UPDATED = "cart.updated"


def topic(cart_id: UUID) -> str:
    """The topic of a cart as the bus names it."""
    return f"cart:{cart_id}"


def updated(cart_id: UUID) -> dict[str, Any]:
    """The frame that says: read the cart again."""
    return {"topic": topic(cart_id), "seq": None, "type": CART_UPDATED, "at": rfc3339(now()), "data": {}}


def tell(cart_id: UUID) -> None:
    """Leave word for the cart's followers, in the transaction that changed it."""
    outbox.write([updated(cart_id)])


def follow(cart_id: UUID) -> None:
    """Note that somebody follows the cart, so that its changes are told from now on. Writes; the caller commits."""
    db.run("UPDATE carts SET followed = true WHERE id = :id AND NOT followed", id=cart_id)
