"""The page of an order that the shop put together for somebody: what is in it, what it costs now, and paying it."""

from __future__ import annotations

from flask import Response, g, make_response, render_template, request

from blueprints.http import request_id
from blueprints.http.commits import commits_itself
from blueprints.http.limits import limited
from blueprints.http.orders import device
from blueprints.http.page_access import shopper, shopper_now
from blueprints.http.pages import go
from blueprints.storefront import guest_orders
from blueprints.storefront.cards import chosen_payment, payment_options, saved_cards
from blueprints.storefront.orders import TOKEN
from blueprints.storefront.pages import pages, problem
from quickshop.checkout import drafts
from quickshop.kernel.errors import Invalid, ShopError
from quickshop.kernel.money import Money
from quickshop.kernel.unit_of_work import run_unit


def _page(token: str, error: ShopError | None = None) -> Response:
    draft = drafts.shown_by_link(token)
    theirs = g.caller.signed_in and str(g.caller.user_id) == draft["customer_id"]
    shown = render_template(
        "shop/draft.html",
        draft=draft,
        token=token,
        payment_options=payment_options(),
        saved_cards=saved_cards(g.caller) if theirs else [],
        problem=problem(error) if error else None,
    )
    answer = make_response(shown, error.status if error else 200)
    answer.headers["Referrer-Policy"] = "no-referrer"  # the address opens the draft
    return answer


@pages.get("/draft-order")
@shopper
@limited("checkout")
def draft() -> Response:
    """The order as it stands now, for whoever has its link."""
    return _page(request.args.get(TOKEN, ""))


@pages.post("/draft-order/pay")
@shopper_now
@limited("checkout")
@commits_itself
def pay_draft() -> Response:
    """Make it an order and pay it; sent twice it stays one order."""
    token = request.form.get(TOKEN, "")
    try:
        made = run_unit(lambda: _pay(token))
    except ShopError as error:
        if error.status == 404:
            raise
        return _page(token, error)
    guest_orders.keep(made["number"], made["token"])
    return go(f"/orders/{made['number']}")


def _pay(token: str) -> dict[str, str]:
    choice = chosen_payment(request.form.get("payment"))
    try:
        seen = Money(int(request.form.get("expected_amount", "")), request.form.get("expected_currency", ""))
    except ValueError:
        raise Invalid({"expected_total": ["Look at the order again."]}, "Look at the order again.") from None
    return drafts.pay(
        token,
        g.caller,
        payment_token=choice.token,
        payment_method_id=choice.method_id,
        expected_total=seen,
        device=device(),
        request_id=request_id.current(),
    )
