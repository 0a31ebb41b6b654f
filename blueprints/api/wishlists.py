"""Wishlists by API: one's own, those seen by a link, and the way into the cart. `default` names the default list."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, g

from blueprints.api.schemas.cart import CartSchema
from blueprints.api.schemas.wishlists import (
    ChangeWishlist,
    MoveBody,
    NewWishlist,
    SharedWishlist,
    WishlistItemsQuery,
    WishlistPage,
    Wishlists,
    WishlistSchema,
)
from blueprints.http.access import member, public
from blueprints.http.body import ApiBlueprint
from blueprints.http.carts import cart_to_fill
from blueprints.http.commits import commits
from blueprints.http.json import json_response, no_content
from blueprints.http.pagination import page_body
from quickshop.cart import service as carts
from quickshop.cart.queries import cart_view
from quickshop.checkout.service import priced_cart
from quickshop.kernel.errors import NotFound
from quickshop.kernel.ids import parse_id
from quickshop.wishlists import queries, service

blp = ApiBlueprint("wishlists", __name__, url_prefix="/api/v1", description="Lists of what members would like to have")

DEFAULT = "default"


def _named(wishlist_id: str) -> UUID:
    """The list that an address names. Raises NotFound."""
    if wishlist_id != DEFAULT:
        return parse_id(wishlist_id, "wishlist")
    for found in queries.lists_of(g.caller.member_id()):
        if found["default"]:
            return UUID(found["id"])
    raise NotFound("wishlist")


def _summary(wishlist_id: UUID) -> dict[str, Any]:
    return next(w for w in queries.lists_of(g.caller.member_id()) if w["id"] == str(wishlist_id))


@blp.get("/wishlists")
@member
@blp.answers(200, Wishlists)
def list_wishlists() -> Response:
    """The caller's lists."""
    return json_response(page_body(queries.lists_of(g.caller.member_id()), None))


@blp.post("/wishlists")
@member
@blp.arguments(NewWishlist)
@blp.answers(201, WishlistSchema)
@commits
def create_wishlist(body: dict[str, Any]) -> Response:
    """Make a list."""
    return json_response(_summary(service.create(g.caller.member_id(), body["name"])), 201)


@blp.get("/wishlists/<wishlist_id>")
@member
@blp.arguments(WishlistItemsQuery, location="query")
@blp.answers(200, WishlistPage)
def get_wishlist(args: dict[str, Any], wishlist_id: str) -> Response:
    """One of the caller's lists with its items."""
    return json_response(queries.wishlist(g.caller.member_id(), _named(wishlist_id), **args))


@blp.patch("/wishlists/<wishlist_id>")
@member
@blp.arguments(ChangeWishlist)
@blp.answers(200, WishlistSchema)
@commits
def change_wishlist(body: dict[str, Any], wishlist_id: str) -> Response:
    """Rename a list, share it or end that, turn its price alerts on or off, make it the default."""
    found = _named(wishlist_id)
    service.change(g.caller.member_id(), found, body)
    return json_response(_summary(found))


@blp.delete("/wishlists/<wishlist_id>")
@member
@blp.answers(204)
@commits
def remove_wishlist(wishlist_id: str) -> Response:
    """Delete a list with what is on it."""
    service.remove(g.caller.member_id(), _named(wishlist_id))
    return no_content()


@blp.put("/wishlists/<wishlist_id>/items/<variant_id>")
@member
@blp.answers(204)
@commits
def put_item(wishlist_id: str, variant_id: str) -> Response:
    """Put a variant on a list; `default` makes that list where there is none."""
    member_id = g.caller.member_id()
    found = service.default_list(member_id) if wishlist_id == DEFAULT else _named(wishlist_id)
    service.put(member_id, found, parse_id(variant_id, "variant"))
    return no_content()


@blp.delete("/wishlists/<wishlist_id>/items/<variant_id>")
@member
@blp.answers(204)
@commits
def take_item(wishlist_id: str, variant_id: str) -> Response:
    """Take a variant from a list."""
    service.take(g.caller.member_id(), _named(wishlist_id), parse_id(variant_id, "variant"))
    return no_content()


@blp.post("/wishlists/<wishlist_id>/items/<variant_id>/move-to-cart")
@member
@blp.arguments(MoveBody)
@blp.answers(200, CartSchema)
@commits
def move_to_cart(body: dict[str, Any], wishlist_id: str, variant_id: str) -> Response:
    """Take a variant from a list and put it into the caller's cart, or neither; the cart."""
    variant = parse_id(variant_id, "variant")
    ref = cart_to_fill(None)
    carts.add_item(ref, variant, body["quantity"])
    service.take(g.caller.member_id(), _named(wishlist_id), variant)
    return json_response(priced_cart(cart_view(ref), ref), headers={"Cache-Control": "no-store"})


@blp.get("/wishlists/shared/<token>")
@public
@blp.arguments(WishlistItemsQuery, location="query")
@blp.answers(200, SharedWishlist)
def get_shared(args: dict[str, Any], token: str) -> Response:
    """A list as the holder of its link sees it."""
    return json_response(queries.shared_wishlist(token, **args))
