"""The order page: its story, the part of it that follows live, another card after a decline, and the same again."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from flask import Response, g, make_response, render_template, request

from blueprints.http import request_id
from blueprints.http.commits import commits_itself
from blueprints.http.limits import limited
from blueprints.http.orders import payer, viewer
from blueprints.http.page_access import shopper, shopper_by_itself, shopper_now
from blueprints.http.pages import go
from blueprints.storefront import guest_cart, guest_orders, timeline
from blueprints.storefront.cards import chosen_payment, payment_options, saved_cards
from blueprints.storefront.cart import shown
from blueprints.storefront.pages import pages, problem
from quickshop.cart.queries import Told
from quickshop.cart.refs import CartRef
from quickshop.catalog.queries import variant_pictures
from quickshop.invoices import queries as invoices
from quickshop.kernel import idempotency
from quickshop.kernel.errors import ShopError
from quickshop.kernel.ids import new_id
from quickshop.kernel.unit_of_work import run_unit
from quickshop.notifications.deliveries import order_deliveries
from quickshop.orders import cancelling, paying, queries, reordering, verifying
from quickshop.returns import cancellations
from quickshop.returns import queries as returns
from quickshop.support.queries import tickets_of_order

TOKEN = "token"  # noqa: S105 - the parameter's name in mailed links


@pages.get("/orders/<number>")
@shopper
def order(number: str) -> Response:
    """The order as it stands. A mailed link's token is kept in the browser and leaves the address."""
    mailed = request.args.get(TOKEN)
    if mailed:
        queries.order_view(number, viewer(mailed))
        guest_orders.keep(number, mailed)
        return go(f"/orders/{number}")
    return _page(number)


@pages.get("/orders/<number>/live")
@shopper_by_itself
def live_part(number: str) -> str:
    """The part that changes, drawn anew."""
    return render_template("shop/_order_live.html", **_live(number))


@pages.post("/orders/<number>/pay")
@shopper_now
@limited("checkout")
@commits_itself
def pay(number: str) -> Response:
    """Pay with another card; the key of the form makes a second sending harmless."""
    try:
        run_unit(lambda: _pay(number))
    except ShopError as error:
        if error.status == 404:
            raise
        return _page(number, error)
    return go(f"/orders/{number}")


@pages.post("/orders/<number>/cancel")
@shopper_now
@limited("checkout")
@commits_itself
def cancel(number: str) -> Response:
    """Cancel the order, or ask us to where it is packed; once it has left the page says that it is too late."""
    who = payer(guest_orders.token_of(number))
    try:
        run_unit(lambda: cancellations.cancel(number, who, request_id.current()))
    except ShopError as error:
        if error.status == 404:
            raise
        return _page(number, error)
    return go(f"/orders/{number}")


@pages.post("/orders/<number>/confirm")
@shopper_now
@limited("checkout")
@commits_itself
def confirm(number: str) -> Response:
    """The shopper of an order on hold says that it is them; a second time changes nothing."""
    who = payer(guest_orders.token_of(number))
    try:
        run_unit(lambda: verifying.confirm(number, who, request_id.current()))
    except ShopError as error:
        if error.status == 404:
            raise
        return _page(number, error)
    return go(f"/orders/{number}")


@pages.post("/orders/<number>/reorder")
@shopper
@commits_itself
def reorder(number: str) -> Response:
    """Put what the order had into the cart again; the cart says what cannot be had any more."""
    who = payer(guest_orders.token_of(number))

    def work() -> tuple[CartRef, list[Told]]:
        ref = guest_cart.to_fill()
        return ref, reordering.reorder(ref, number, who)

    try:
        ref, told = run_unit(work)
    except ShopError as error:
        if error.status == 404:
            raise
        return shown("page", error)
    guest_cart.keep(ref)
    return shown("page", told=told)


def _pay(number: str) -> None:
    card = request.form.get("payment", "")
    choice = chosen_payment(card)
    who = payer(guest_orders.token_of(number))
    order_id, _ = queries.find_order(number, who)
    key = idempotency.form_key(request.form.get("idempotency_key"))
    slot = idempotency.slot(f"order:{order_id}", "POST /orders/pay", key, card.encode())
    if idempotency.enter(slot):
        return
    paying.pay_again(number, who, choice.token, request_id.current(), choice.method_id)
    idempotency.bind(slot, 202, json.dumps(number).encode())


def _page(number: str, error: ShopError | None = None) -> Response:
    context = _live(number)
    items = context["order"]["items"]
    pictures = variant_pictures([item["variant_id"] for item in items])
    context["order"]["items"] = [{**item, **pictures.get(item["variant_id"], {})} for item in items]
    context["problem"] = problem(error) if error else None
    context["order_tickets"] = tickets_of_order(UUID(context["order"]["id"]), payer(guest_orders.token_of(number)))
    context["told"] = order_deliveries(number, viewer(guest_orders.token_of(number)))
    return make_response(render_template("shop/order.html", **context), error.status if error else 200)


def _live(number: str) -> dict[str, Any]:
    """What the order's page and its live part show. Raises NotFound for an order that is not the caller's."""
    token = guest_orders.token_of(number)
    who = viewer(token)
    found = queries.order_view(number, who)
    log = queries.order_events(number, who, 0)
    standing = (found["status"], found["fulfilment_status"], found["packing_at"])
    arrived = any(item["units"]["delivered"] for item in found["items"])
    return {
        "order": found,
        "story": timeline.tell(found, log),
        "happened": timeline.happened(log),
        "returns": returns.returns_of(number, who) if arrived else [],
        "returnable": arrived and bool(returns.returnable(number, who)),
        "wish": cancellations.latest(number, who) if found["packing_at"] else None,
        "may_ask_to_cancel": cancellations.may_ask(*standing),
        "last_seq": found["last_seq"],
        "papers": invoices.order_invoices(number, who) if found["confirmed_at"] else [],
        "parcel_words": timeline.parcel_words,
        "cancellable": cancelling.cancellable(found["status"], found["fulfilment_status"], found["packing_at"]),
        "fragment_url": f"/orders/{number}/live",
        "live_token": token if not g.caller.signed_in else None,
        "payment_options": payment_options(),
        "saved_cards": saved_cards(g.caller) if found["status"] == "payment_failed" else [],
        "idempotency_key": str(new_id()),
    }
