"""Orders by API: placing, reading, the event log, paying again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, g, request

from blueprints.api.schemas.cart import CartSchema
from blueprints.api.schemas.common import EventsOut, EventsQuery
from blueprints.api.schemas.orders import HistoryArgs, HistoryPage, OrderSchema, PayBody, PlaceOrderBody
from blueprints.http import request_id
from blueprints.http.access import anyone, member
from blueprints.http.body import ApiBlueprint
from blueprints.http.carts import cart_to_fill, header_token
from blueprints.http.commits import commits
from blueprints.http.idempotency import idempotent
from blueprints.http.json import json_response
from blueprints.http.limits import limited
from blueprints.http.orders import order_wish, ordering_cart, payer, viewer
from blueprints.http.pagination import page_body
from quickshop.cart.queries import cart_view
from quickshop.checkout.service import place_order, priced_cart
from quickshop.orders import history, paying, queries, reordering, verifying
from quickshop.returns import cancellations

blp = ApiBlueprint("orders", __name__, url_prefix="/api/v1", description="Orders and their logs")

TOKEN_HEADER = "X-Order-Token"  # noqa: S105 - the header's name


@blp.post("/orders")
@anyone
@limited("checkout")
@blp.arguments(PlaceOrderBody)
@blp.answers(202, OrderSchema)
@commits
@idempotent(required=True)
def place(body: dict[str, Any]) -> Response:
    """Turn the caller's cart into an order. It is processed from here on; watch its events or topic."""
    order = place_order(g.caller, ordering_cart(header_token()), order_wish(body))
    return json_response(order, 202, {"Location": f"/api/v1/orders/{order['number']}"})


@blp.get("/orders")
@member
@blp.arguments(HistoryArgs, location="query")
@blp.answers(200, HistoryPage)
def list_mine(args: dict[str, Any]) -> Response:
    """The member's orders, newest first: all, or those in a state, of some days, or with something in them."""
    words = args.pop("q")
    return json_response(history.history(g.caller.user_id, words=words, **args))


@blp.get("/orders/<number>")
@anyone
@blp.answers(200, OrderSchema)
def get_order(number: str) -> Response:
    """One order, for its member, or the guest who sends its X-Order-Token."""
    who = viewer(_order_token())
    found = queries.order_view(number, who)
    # Only what is packed has a wish to cancel.
    wish = cancellations.latest(number, who) if found["packing_at"] else None
    return json_response(found | {"cancellation": wish})


@blp.get("/orders/<number>/events")
@anyone
@blp.arguments(EventsQuery, location="query")
@blp.answers(200, EventsOut)
def list_events(args: dict[str, Any], number: str) -> Response:
    """The order's log after a seq, in order: the same entries that the live topic gives."""
    return json_response(page_body(queries.order_events(number, viewer(_order_token()), **args), None))


@blp.post("/orders/<number>/reorder")
@anyone
@blp.answers(200, CartSchema)
@commits
def reorder(number: str) -> Response:
    """Put the lines of an own order into the caller's cart again; warnings say what cannot be had any more."""
    who = payer(_order_token())
    ref = cart_to_fill(header_token())
    told = reordering.reorder(ref, number, who)
    return json_response(
        priced_cart(cart_view(ref, g.caller.user_id, told), ref), headers={"Cache-Control": "no-store"}
    )


@blp.post("/orders/<number>/pay")
@anyone
@limited("checkout")
@blp.arguments(PayBody)
@blp.answers(202, OrderSchema)
@commits
@idempotent(required=False)
def pay(body: dict[str, Any], number: str) -> Response:
    """Pay an order again after its payment failed: the stock is reserved anew."""
    who = payer(_order_token())
    payment = body["payment"]
    order_id: UUID = paying.pay_again(number, who, payment["token"], request_id.current(), payment["method_id"])
    return json_response(queries.order_view_by_id(order_id, who), 202)


@blp.post("/orders/<number>/pay/confirm")
@anyone
@limited("checkout")
@blp.answers(202, OrderSchema)
@commits
def confirm_payment(number: str) -> Response:
    """The shopper is back from the bank: the payment is looked at now, without waiting for the provider's word."""
    who = payer(_order_token())
    return json_response(queries.order_view_by_id(paying.confirm(number, who), who), 202)


@blp.post("/orders/<number>/cancel")
@anyone
@limited("checkout")
@blp.answers(202, OrderSchema)
@commits
@idempotent(required=False)
def cancel(number: str) -> Response:
    """Cancel an order that is not packed yet: what was paid goes back by itself. Once it is packed this asks staff to,
    and `cancellation` tells what becomes of the wish. 409 `not_cancellable` once it has left: ask for a return.
    """
    who = payer(_order_token())
    order_id = cancellations.cancel(number, who, request_id.current())
    found = queries.order_view_by_id(order_id, who)
    return json_response(found | {"cancellation": cancellations.latest(number, who)}, 202)


@blp.post("/orders/<number>/confirm")
@anyone
@limited("checkout")
@blp.answers(202, OrderSchema)
@commits
def confirm(number: str) -> Response:
    """The shopper of an order on hold says that it is them (`hold_reason` `shopper_confirmation`): it goes on.

    409 `not_waiting` where nobody asks; confirming again changes nothing.
    """
    who = payer(_order_token())
    return json_response(queries.order_view_by_id(verifying.confirm(number, who, request_id.current()), who), 202)


def _order_token() -> str | None:
    return request.headers.get(TOKEN_HEADER)
