"""Buying again what an order had: its lines go into a cart, at today's price and as far as they can be had."""

from __future__ import annotations

from quickshop.cart import service as carts
from quickshop.cart.queries import Told
from quickshop.cart.refs import CartRef
from quickshop.kernel import db
from quickshop.kernel.errors import NotFound
from quickshop.orders.viewers import Viewer


def reorder(ref: CartRef, number: str, viewer: Viewer) -> list[Told]:
    """Put an order's lines into the cart; warnings say what could not be had.

    Where the cart has one already the larger quantity stays, so that asking twice changes nothing. Raises NotFound for
    an order that the viewer may not see, CartClosed, CartFull.
    """
    order = db.row("SELECT id, user_id FROM orders WHERE number = :number", number=number)
    if order is None or not viewer.may_see(order.id, order.user_id):
        raise NotFound("order")
    found = db.rows(
        "SELECT variant_id, sum(quantity) AS quantity FROM order_lines WHERE order_id = :id GROUP BY variant_id",
        id=order.id,
    )
    return carts.fill(ref, {r.variant_id: int(r.quantity) for r in found})
