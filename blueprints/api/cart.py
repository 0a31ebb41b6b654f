"""The cart by API: every call answers the full priced cart, or nothing where `Prefer: return=minimal` asks for that."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from blueprints.api.schemas.cart import AddItem, CartSchema, ChangeItem
from blueprints.http.access import anyone
from blueprints.http.body import ApiBlueprint
from blueprints.http.carts import HEADER, cart_to_fill, header_token, present_cart
from blueprints.http.commits import commits
from blueprints.http.json import json_response, no_content
from quickshop.cart import service
from quickshop.cart.queries import cart_view
from quickshop.cart.refs import CartRef
from quickshop.checkout.service import priced_cart
from quickshop.kernel.errors import NotFound
from quickshop.kernel.ids import parse_id

blp = ApiBlueprint("cart", __name__, url_prefix="/api/v1", description="The cart of a guest or member")


def _shown(ref: CartRef | None) -> Response:
    return json_response(priced_cart(cart_view(ref), ref), headers={"Cache-Control": "no-store"})


def _changed(ref: CartRef) -> Response:
    """The answer to a change. To price hundreds of lines for each one put in is worth leaving out (RFC 7240)."""
    if request.headers.get("Prefer", "").strip().lower() != "return=minimal":
        return _shown(ref)
    headers = {"Preference-Applied": "return=minimal", "Cache-Control": "no-store"}
    return no_content(headers | ({} if ref.user_id else {HEADER: ref.token}))


def _existing() -> CartRef:
    ref = present_cart(header_token())
    if ref is None:
        raise NotFound("cart")
    return ref


@blp.get("/cart")
@anyone
@blp.answers(200, CartSchema)
def get_cart() -> Response:
    """The caller's cart; an empty one where there is none yet."""
    return _shown(present_cart(header_token()))


@blp.delete("/cart")
@anyone
@blp.answers(200, CartSchema)
@blp.answers(204, description="Done, with Prefer: return=minimal")
@commits
def empty_cart() -> Response:
    """Take everything out of the cart."""
    ref = _existing()
    service.empty(ref)
    return _changed(ref)


@blp.post("/cart/items")
@anyone
@blp.arguments(AddItem)
@blp.answers(200, CartSchema)
@blp.answers(204, description="Done, with Prefer: return=minimal")
@commits
def add_item(body: dict[str, Any]) -> Response:
    """Add units of a variant. The first call of a guest returns the token that names the cart from then on."""
    ref = cart_to_fill(header_token())
    service.add_item(ref, body["variant_id"], body["quantity"])
    return _changed(ref)


@blp.patch("/cart/items/<item_id>")
@anyone
@blp.arguments(ChangeItem)
@blp.answers(200, CartSchema)
@blp.answers(204, description="Done, with Prefer: return=minimal")
@commits
def change_item(body: dict[str, Any], item_id: str) -> Response:
    """Set an item's absolute quantity; 0 removes it."""
    ref = _existing()
    service.set_quantity(ref, parse_id(item_id, "cart item"), body["quantity"])
    return _changed(ref)


@blp.delete("/cart/items/<item_id>")
@anyone
@blp.answers(200, CartSchema)
@blp.answers(204, description="Done, with Prefer: return=minimal")
@commits
def remove_item(item_id: str) -> Response:
    """Take an item out."""
    ref = _existing()
    service.remove_item(ref, parse_id(item_id, "cart item"))
    return _changed(ref)
