"""The cart by API: every call answers the full priced cart, or nothing where `Prefer: return=minimal` asks for that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Response, g, request

from blueprints.api.schemas.cart import AddItem, CartSchema, ChangeCart, ChangeItem, SharedCart
from blueprints.http.access import anyone
from blueprints.http.body import ApiBlueprint
from blueprints.http.carts import HEADER, cart_to_fill, header_token, present_cart
from blueprints.http.commits import commits
from blueprints.http.idempotency import HEADER as IDEMPOTENCY
from blueprints.http.idempotency import idempotent
from blueprints.http.json import json_response, no_content
from quickshop.cart import service
from quickshop.cart.queries import Told, cart_view
from quickshop.cart.refs import CartRef
from quickshop.checkout.service import priced_cart
from quickshop.extensions import settings
from quickshop.kernel.errors import NotFound
from quickshop.kernel.ids import parse_id

blp = ApiBlueprint("cart", __name__, url_prefix="/api/v1", description="The cart of a guest or member")


def _shown(ref: CartRef | None, told: Sequence[Told] = (), undo: dict[str, Any] | None = None) -> Response:
    document = priced_cart(cart_view(ref, g.caller.user_id, told, undo), ref)
    return json_response(document, headers={"Cache-Control": "no-store"})


def _changed(ref: CartRef, told: Sequence[Told] = (), undo: dict[str, Any] | None = None) -> Response:
    """The answer to a change. To price hundreds of lines for each one put in is worth leaving out (RFC 7240), but
    not where the answer is kept for a key: the first one names a guest's cart.
    """
    minimal = request.headers.get("Prefer", "").strip().lower() == "return=minimal"
    if not minimal or IDEMPOTENCY in request.headers:
        return _shown(ref, told, undo)
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
    """The caller's cart; an empty one where there is none yet. Warnings marked `new` come until `POST /cart/seen`."""
    return _shown(present_cart(header_token()))


@blp.patch("/cart")
@anyone
@blp.arguments(ChangeCart)
@blp.answers(200, CartSchema)
@commits
def change_cart(body: dict[str, Any]) -> Response:
    """Put the cart into another of the shop's currencies. What has no price in it stays, and cannot be bought."""
    ref = cart_to_fill(header_token())
    service.set_currency(ref, body["currency"])
    return _changed(ref)


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


@blp.post("/cart/seen")
@anyone
@blp.answers(200, CartSchema)
@commits
def seen() -> Response:
    """Note that the shopper was shown the cart as it is: what changed until now is not `new` any more."""
    ref = _existing()
    service.mark_seen(ref)
    return _shown(ref)


@blp.post("/cart/items")
@anyone
@blp.arguments(AddItem)
@blp.answers(200, CartSchema)
@blp.answers(204, description="Done, with Prefer: return=minimal")
@commits
@idempotent(required=False)
def add_item(body: dict[str, Any]) -> Response:
    """Add units of a variant. The first call of a guest returns the token that names the cart from then on.

    With an `Idempotency-Key` the same call counts once, however often it is sent.
    """
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
    """Set an item's absolute quantity, or as many as can be had: a warning says why. 0 removes it."""
    ref = _existing()
    return _changed(ref, service.set_quantity(ref, parse_id(item_id, "cart item"), body["quantity"]))


@blp.delete("/cart/items/<item_id>")
@anyone
@blp.answers(200, CartSchema)
@blp.answers(204, description="Done, with Prefer: return=minimal")
@commits
def remove_item(item_id: str) -> Response:
    """Take an item out. `undo` names it for the call that puts it back."""
    ref = _existing()
    return _changed(ref, undo=service.remove_item(ref, parse_id(item_id, "cart item")))


@blp.post("/cart/items/<item_id>/restore")
@anyone
@blp.answers(200, CartSchema)
@commits
def restore_item(item_id: str) -> Response:
    """Put back what was taken out within the last day."""
    ref = cart_to_fill(header_token())
    service.restore_item(ref, parse_id(item_id, "cart item"))
    return _shown(ref)


@blp.post("/cart/items/<item_id>/save-for-later")
@anyone
@blp.answers(200, CartSchema)
@commits
def save_for_later(item_id: str) -> Response:
    """Take an item out and keep it for later; a member's stays through sign-ins and orders."""
    ref = _existing()
    service.save_for_later(ref, parse_id(item_id, "cart item"))
    return _shown(ref)


@blp.post("/cart/saved/<item_id>/move-to-cart")
@anyone
@blp.answers(200, CartSchema)
@commits
def move_to_cart(item_id: str) -> Response:
    """Put what was saved for later back, at today's price; a warning says where that is another one."""
    ref = cart_to_fill(header_token())
    service.move_to_cart(ref, parse_id(item_id, "saved item"))
    return _shown(ref)


@blp.delete("/cart/saved/<item_id>")
@anyone
@blp.answers(200, CartSchema)
@commits
def forget_saved(item_id: str) -> Response:
    """Forget what was saved for later."""
    ref = present_cart(header_token())
    service.forget_saved(g.caller.user_id, ref, parse_id(item_id, "saved item"))
    return _shown(ref)


@blp.post("/cart/share")
@anyone
@blp.answers(201, SharedCart)
@commits
def share() -> Response:
    """A link that puts what lies in the cart now into anybody's cart, for 30 days; nothing of whose it was."""
    token = service.share(present_cart(header_token()))
    return json_response({"token": token, "url": f"{settings().public_url}/cart/shared/{token}"}, 201)


@blp.post("/cart/from/<token>")
@anyone
@blp.answers(200, CartSchema)
@commits
def fill_from(token: str) -> Response:
    """Put what was shared into the caller's cart; warnings say what cannot be had."""
    wanted = service.shared_items(token)
    ref = cart_to_fill(header_token())
    return _shown(ref, service.fill(ref, wanted))
