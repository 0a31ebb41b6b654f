"""Codes of promotions and gift cards on the cart by API, and whether store credit shall pay."""

from __future__ import annotations

from typing import Any

from flask import Response, g

from blueprints.api.schemas.cart import CartSchema
from blueprints.api.schemas.promotions import AddCode, UseCredit
from blueprints.http.access import anyone, member
from blueprints.http.body import ApiBlueprint
from blueprints.http.carts import cart_to_fill, header_token, present_cart
from blueprints.http.commits import commits
from blueprints.http.json import json_response
from blueprints.http.limits import limited
from quickshop.cart import codes
from quickshop.cart.queries import cart_view
from quickshop.cart.refs import CartRef
from quickshop.checkout.service import priced_cart
from quickshop.kernel.errors import NotFound

blp = ApiBlueprint("coupons", __name__, url_prefix="/api/v1", description="Codes on the cart")


def _shown(ref: CartRef) -> Response:
    return json_response(priced_cart(cart_view(ref), ref), headers={"Cache-Control": "no-store"})


@blp.post("/cart/coupons")
@anyone
@limited("auth")
@blp.arguments(AddCode)
@blp.answers(200, CartSchema)
@commits
def add_code(body: dict[str, Any]) -> Response:
    """Put a promotion's code or a gift card on the cart. `coupons` says what each takes off, or why it does not.

    422 `coupon_unknown`, `coupon_not_in_force`; 409 `coupon_used_up`. Counted as tightly as sign-ins.
    """
    ref = cart_to_fill(header_token())
    codes.add(ref, body["code"], g.caller)
    return _shown(ref)


@blp.delete("/cart/coupons/<code>")
@anyone
@blp.answers(200, CartSchema)
@commits
def remove_code(code: str) -> Response:
    """Take a code off the cart; a gift card by its last four characters."""
    ref = present_cart(header_token())
    if ref is None:
        raise NotFound("cart")
    codes.remove(ref, code)
    return _shown(ref)


@blp.put("/cart/credit")
@member
@blp.arguments(UseCredit)
@blp.answers(200, CartSchema)
@commits
def use_credit(body: dict[str, Any]) -> Response:
    """Say whether what the shop owes the caller shall pay for the cart."""
    ref = cart_to_fill(None)
    codes.use_credit(ref, body["use"])
    return _shown(ref)
