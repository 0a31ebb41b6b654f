"""Staff: returns, and wishes to cancel what is packed."""

from __future__ import annotations

from typing import Any

from flask import Response, g

from blueprints.api.schemas.returns import (
    AnswerBody,
    ReceiveBody,
    ReturnListArgs,
    ReturnPage,
    ReturnRefundBody,
    ReturnSchema,
    WishListArgs,
    WishPage,
    WishSchema,
)
from blueprints.http import request_id
from blueprints.http.access import staff
from blueprints.http.audits import audited
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits
from blueprints.http.idempotency import idempotent
from blueprints.http.json import json_response
from blueprints.http.returns import photo_response
from quickshop.accounts.permissions import Permission
from quickshop.kernel.errors import Invalid
from quickshop.kernel.ids import parse_id
from quickshop.kernel.money import money
from quickshop.orders.viewers import Viewer
from quickshop.returns import cancellations, photos, queries, receiving, service, settling
from quickshop.returns.receiving import Arrived

blp = ApiBlueprint("admin_returns", __name__, url_prefix="/api/v1/admin", description="Staff: returns")

STAFF = Viewer(staff=True)


@blp.get("/returns")
@staff(Permission.ORDERS_READ)
@blp.arguments(ReturnListArgs, location="query")
@blp.answers(200, ReturnPage)
def list_returns(args: dict[str, Any]) -> Response:
    """Returns in one state or all; those that wait for somebody in the order in which they were asked for."""
    return json_response(queries.list_returns(**args))


@blp.get("/returns/<return_id>")
@staff(Permission.ORDERS_READ)
@blp.answers(200, ReturnSchema)
def get_return(return_id: str) -> Response:
    """One return."""
    return json_response(queries.return_by_id(parse_id(return_id, "return"), STAFF))


@blp.get("/returns/<return_id>/photos/<int:position>")
@staff(Permission.ORDERS_READ)
@blp.answers(200, description="The picture, as WebP")
def get_photo(return_id: str, position: int) -> Response:
    """A picture of a return."""
    return photo_response(photos.of_return(parse_id(return_id, "return"), position))


@blp.post("/returns/<return_id>/approve")
@staff(Permission.ORDERS_WRITE)
@blp.answers(200, ReturnSchema)
@commits
@idempotent(required=False)
def approve(return_id: str) -> Response:
    """Let the goods come. 409 `photo_missing` where the shop wants to see what is broken first."""
    found = parse_id(return_id, "return")
    service.approve(found, g.caller.user_id, request_id.current())
    return _done(found)


@blp.post("/returns/<return_id>/reject")
@staff(Permission.ORDERS_WRITE)
@blp.arguments(AnswerBody)
@blp.answers(200, ReturnSchema)
@commits
@idempotent(required=False)
def reject(body: dict[str, Any], return_id: str) -> Response:
    """Refuse a return, also one that arrived: nothing is given for it. The shopper reads the answer."""
    found = parse_id(return_id, "return")
    service.reject(found, body["answer"], g.caller.user_id, request_id.current())
    return _done(found)


@blp.post("/returns/<return_id>/receive")
@staff(Permission.ORDERS_WRITE)
@blp.arguments(ReceiveBody)
@blp.answers(200, ReturnSchema)
@commits
@idempotent(required=False)
def receive(body: dict[str, Any], return_id: str) -> Response:
    """Note what arrived, once: what can be sold again goes to stock, the rest is written off."""
    found = parse_id(return_id, "return")
    arrived = {line["line"]: Arrived(line["received"], line["restocked"]) for line in body["lines"]}
    if len(arrived) < len(body["lines"]):
        raise Invalid({"lines": ["A line is named twice."]})
    receiving.receive(found, arrived, request_id.current())
    return _done(found, lines=body["lines"])


@blp.post("/returns/<return_id>/refund")
@staff(Permission.ORDERS_WRITE)
@blp.arguments(ReturnRefundBody)
@blp.answers(202, ReturnSchema)
@commits
@idempotent(required=True)
def refund(body: dict[str, Any], return_id: str) -> Response:
    """Give the money of what arrived back, once: by line, in part, with shipping, or as store credit.

    409 `not_refundable` with what is `left` where that is less. The order's log tells when it is done.
    """
    found = parse_id(return_id, "return")
    currency = queries.return_by_id(found, STAFF)["currency"]
    amounts = {line["line"]: _minor(line["amount"], currency) for line in body["lines"]}
    given = settling.refund(
        found,
        request_id.current(),
        amounts=amounts,
        shipping_minor=_minor(body["shipping"], currency) if body["shipping"] else None,
        to=body["to"],
        reason=body["reason"],
    )
    return _done(found, 202, amount=money(given.amount_minor, given.currency))


def _minor(amount: dict[str, Any], currency: str) -> int:
    if amount["currency"] != currency:
        raise Invalid({"currency": [f"The order was paid in {currency}."]})
    return int(amount["amount"])


@blp.post("/returns/<return_id>/exchange")
@staff(Permission.ORDERS_WRITE)
@blp.answers(202, ReturnSchema)
@commits
@idempotent(required=True)
def exchange(return_id: str) -> Response:
    """Send another one for what arrived, at no charge, once. 409 `out_of_stock` where there is none."""
    found = parse_id(return_id, "return")
    number = settling.exchange(found, request_id.current())
    return _done(found, 202, order=number)


def _done(return_id: Any, status: int = 200, **told: Any) -> Response:
    audited(target=f"return:{return_id}", after=told or None)
    return json_response(queries.return_by_id(return_id, STAFF), status)


@blp.get("/cancellation-requests")
@staff(Permission.ORDERS_READ)
@blp.arguments(WishListArgs, location="query")
@blp.answers(200, WishPage)
def list_wishes(args: dict[str, Any]) -> Response:
    """Wishes to cancel what is packed, oldest first."""
    return json_response(cancellations.list_requests(**args))


@blp.post("/cancellation-requests/<asked_id>/grant")
@staff(Permission.ORDERS_WRITE)
@blp.answers(202, WishSchema)
@commits
@idempotent(required=False)
def grant_wish(asked_id: str) -> Response:
    """Unpack the order and cancel it; what was paid goes back. 409 where something of it has left the house."""
    found = parse_id(asked_id, "request")
    number = cancellations.grant(found, g.caller.user_id, request_id.current())
    audited(target=f"order:{number}")
    return json_response(cancellations.request_by_id(found), 202)


@blp.post("/cancellation-requests/<asked_id>/refuse")
@staff(Permission.ORDERS_WRITE)
@blp.arguments(AnswerBody)
@blp.answers(200, WishSchema)
@commits
@idempotent(required=False)
def refuse_wish(body: dict[str, Any], asked_id: str) -> Response:
    """Leave the order as it is. The shopper reads the answer."""
    found = parse_id(asked_id, "request")
    number = cancellations.refuse(found, body["answer"], g.caller.user_id, request_id.current())
    audited(target=f"order:{number}")
    return json_response(cancellations.request_by_id(found))
