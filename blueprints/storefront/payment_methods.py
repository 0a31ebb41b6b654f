"""A member's saved cards: seen, added by token, removed, and which one is the default."""

from __future__ import annotations

from uuid import UUID

from flask import Response, g, make_response, render_template, request

from blueprints.http.commits import commits_itself
from blueprints.http.limits import limited
from blueprints.http.page_access import member_page, member_page_now
from blueprints.http.pages import go
from blueprints.storefront.cards import payment_options, saved_cards
from blueprints.storefront.pages import pages, problem
from quickshop.kernel.errors import Invalid, ShopError
from quickshop.kernel.ids import parse_id
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders.saved_cards import forget_card
from quickshop.payments import methods

CARDS = "/account/payment-methods"


@pages.get("/account/payment-methods")
@member_page
def cards() -> Response:
    """All of them, and what can be added."""
    return _page()


@pages.post("/account/payment-methods")
@member_page_now
@limited("checkout")
@commits_itself
def save_card() -> Response:
    """Keep one of the offered cards."""
    token = request.form.get("token", "")
    if token not in {card.token for card in payment_options()}:
        return _page(Invalid({"token": ["Unknown."]}, "Please choose one of the cards."))
    try:
        methods.save_method(g.caller.member_id(), token)
    except ShopError as error:
        return _page(error)
    return go(CARDS)


@pages.post("/account/payment-methods/<method_id>/default")
@member_page_now
@commits_itself
def make_card_default(method_id: str) -> Response:
    """Pay with it unless something else is said."""
    run_unit(lambda: methods.make_default(g.caller.member_id(), _id(method_id)))
    return go(CARDS)


@pages.post("/account/payment-methods/<method_id>/remove")
@member_page_now
@commits_itself
def remove_card(method_id: str) -> Response:
    """Forget it, unless an unpaid order uses it."""
    try:
        forget_card(g.caller.member_id(), _id(method_id))
    except ShopError as error:
        if error.status == 404:
            raise
        return _page(error)
    return go(CARDS)


def _id(text: str) -> UUID:
    return parse_id(text, "payment method")


def _page(error: ShopError | None = None) -> Response:
    page = render_template(
        "shop/payment_methods.html",
        section="payment-methods",
        saved_cards=saved_cards(g.caller),
        payment_options=payment_options(),
        problem=problem(error) if error else None,
    )
    return make_response(page, error.status if error else 200)
