"""The caller's saved cards by API: tokens come in, and never go out."""

from __future__ import annotations

from typing import Any

from flask import Response, g

from blueprints.api.schemas.profile import MethodOut, MethodPage, SaveMethod
from blueprints.http.access import member, member_now
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits, commits_itself
from blueprints.http.json import json_response, no_content
from blueprints.http.limits import limited
from blueprints.http.pagination import page_body
from quickshop.kernel.ids import parse_id
from quickshop.orders.saved_cards import forget_card
from quickshop.payments import methods

blp = ApiBlueprint(
    "payment-methods", __name__, url_prefix="/api/v1/me/payment-methods", description="The caller's saved cards"
)
_WHAT = "payment method"


@blp.get("")
@member
@blp.answers(200, MethodPage)
def list_methods() -> Response:
    """All saved cards, the default first."""
    return json_response(page_body(methods.payment_methods(g.caller.member_id()), None))


@blp.post("")
@member_now
@limited("checkout")
@blp.arguments(SaveMethod)
@blp.answers(201, MethodOut)
@commits_itself
def save(body: dict[str, Any]) -> Response:
    """Save a card by its token; the first becomes the default. The provider is asked for what may be shown of it."""
    method_id = methods.save_method(g.caller.member_id(), body["token"])
    return json_response(methods.payment_method(g.caller.member_id(), method_id), 201)


@blp.delete("/<method_id>")
@member_now
@blp.answers(204)
@commits_itself
def remove(method_id: str) -> Response:
    """Forget a card, unless an unpaid order uses it; the default passes to the newest one left."""
    forget_card(g.caller.member_id(), parse_id(method_id, _WHAT))
    return no_content()


@blp.post("/<method_id>/default")
@member_now
@blp.answers(200, MethodOut)
@commits
def make_default(method_id: str) -> Response:
    """Make a card the default."""
    whose, which = g.caller.member_id(), parse_id(method_id, _WHAT)
    methods.make_default(whose, which)
    return json_response(methods.payment_method(whose, which))
