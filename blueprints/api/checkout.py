"""Checkout by API: the quote and the stock hold."""

from __future__ import annotations

from typing import Any

from flask import Response, g

from blueprints.api.schemas.checkout import HoldSchema, QuoteRequest, QuoteSchema
from blueprints.http.access import anyone
from blueprints.http.body import ApiBlueprint
from blueprints.http.carts import header_token, present_cart
from blueprints.http.commits import commits, commits_itself
from blueprints.http.json import json_response
from blueprints.http.limits import limited
from quickshop.accounts.places import place_of
from quickshop.checkout import service

blp = ApiBlueprint("checkout", __name__, url_prefix="/api/v1", description="From cart to order")


@blp.post("/checkout/quote")
@anyone
@limited("checkout")
@blp.arguments(QuoteRequest)
@blp.answers(200, QuoteSchema)
@commits_itself
def quote(body: dict[str, Any]) -> Response:
    """What the cart costs now, with every way of shipping to the address, else to the shop's home."""
    # A wrong address is told now rather than when the order is placed.
    where = service.address_of(g.caller, body["shipping_address"], body["shipping_address_id"], "shipping_address")
    destination = place_of(where) if where else None
    return json_response(service.quote(present_cart(header_token()), body["shipping_method"], destination))


@blp.post("/checkout/hold")
@anyone
@limited("checkout")
@blp.answers(200, HoldSchema)
@commits
def hold() -> Response:
    """Hold the cart's stock for a while, or extend the hold."""
    return json_response(service.start_hold(present_cart(header_token())))
