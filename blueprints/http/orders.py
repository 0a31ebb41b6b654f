"""Reading an order request into the core's terms; shared by the API and the pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import g, request

from blueprints.http import request_id
from blueprints.http.carts import present_cart
from quickshop.accounts.permissions import Permission
from quickshop.cart.errors import CartEmpty
from quickshop.cart.refs import CartRef
from quickshop.checkout.service import PlaceOrder
from quickshop.kernel import tracing
from quickshop.kernel.money import Money
from quickshop.orders.viewers import Viewer


def viewer(order_token: str | None) -> Viewer:
    """Who looks at an order in this request."""
    caller = g.caller
    return Viewer(user_id=caller.user_id, order_token=order_token, staff=caller.may(Permission.ORDERS_READ))


def payer(order_token: str | None) -> Viewer:
    """Who pays for an order in this request: its own member or guest. That staff may read it is no leave to pay."""
    return Viewer(user_id=g.caller.user_id, order_token=order_token)


def ordering_cart(token: str | None) -> CartRef:
    """The cart to order from. Raises CartEmpty where the caller has none."""
    ref = present_cart(token)
    if ref is None:
        raise CartEmpty("Put something in the cart first.")
    return ref


def device() -> str | None:
    """What tells this request's device from others, coarsely; None where it says nothing of itself."""
    words = request.user_agent.string[:300]
    return f"{words} {tracing.network()}" if words else None


def order_wish(body: Mapping[str, Any]) -> PlaceOrder:
    """The validated body of an order as the core takes it."""
    expected, payment = body["expected_total"], body["payment"] or {}
    return PlaceOrder(
        shipping_address=body["shipping_address"],
        shipping_address_id=body["shipping_address_id"],
        billing_address=body["billing_address"],
        billing_address_id=body["billing_address_id"],
        shipping_method=body["shipping_method"],
        payment_token=payment.get("token"),
        payment_method_id=payment.get("method_id"),
        expected_total=Money(expected["amount"], expected["currency"]),
        email=body["email"],
        client_reference=body["client_reference"],
        device=device(),
        request_id=request_id.current(),
    )
