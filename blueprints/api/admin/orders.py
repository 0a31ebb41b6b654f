"""Staff: orders."""

from __future__ import annotations

from typing import Any

from flask import Response, g

from blueprints.api.schemas.common import PageQuery
from blueprints.api.schemas.orders import OrderListArgs, OrderPage, OrderSchema
from blueprints.api.schemas.payments import OrderPayments, RefundBody, RefundPage, units_by_line
from blueprints.api.schemas.risk import RiskReviewPage, RiskSchema
from blueprints.http import request_id
from blueprints.http.access import staff
from blueprints.http.audits import audited
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits
from blueprints.http.idempotency import idempotent
from blueprints.http.json import json_response
from blueprints.http.pagination import page_body
from quickshop.accounts.permissions import Permission
from quickshop.kernel.money import Money, money
from quickshop.orders import cancelling, finding, queries, refunding, refunds, risks, verifying
from quickshop.orders.viewers import Viewer

blp = ApiBlueprint("admin_orders", __name__, url_prefix="/api/v1/admin", description="Staff: orders")


@blp.get("/orders")
@staff(Permission.ORDERS_READ)
@blp.arguments(OrderListArgs, location="query")
@blp.answers(200, OrderPage)
def list_orders(args: dict[str, Any]) -> Response:
    """Orders, newest first: all, or by number, customer's e-mail, article, states, class, day and reference."""
    page = {name: args.pop(name) for name in ("limit", "cursor")}
    return json_response(finding.find(finding.Wanted(**args), **page))


@blp.get("/orders/<number>")
@staff(Permission.ORDERS_READ)
@blp.answers(200, OrderSchema)
def get_order(number: str) -> Response:
    """One order."""
    return json_response(queries.order_view(number, Viewer(staff=True)))


@blp.get("/orders/<number>/payments")
@staff(Permission.ORDERS_READ)
@blp.answers(200, OrderPayments)
def list_payments(number: str) -> Response:
    """Every round of paying for an order, with the calls made to the provider and what came of them."""
    return json_response(page_body(queries.order_payments(number), None))


@blp.post("/orders/<number>/refund")
@staff(Permission.ORDERS_WRITE)
@blp.arguments(RefundBody)
@blp.answers(202, OrderSchema)
@commits
@idempotent(required=True)
def refund(body: dict[str, Any], number: str) -> Response:
    """Give back a part or all of what was paid: 409 `not_refundable` with what is `left` where that is less.

    Units of lines go back at what was paid for them. The order's log tells when it is done. `reason` is for staff,
    never about a person.
    """
    given = refunding.refund(
        number,
        _money(body["amount"]),
        body["reason"],
        request_id.current(),
        lines=units_by_line(body["lines"]),
        shipping=_money(body["shipping"]),
        to=body["to"],
    )
    audited(target=f"order:{number}", after=money(given.amount_minor, given.currency))
    return json_response(queries.order_view(number, Viewer(staff=True)), 202)


def _money(given: dict[str, Any] | None) -> Money | None:
    return None if given is None else Money(**given)


@blp.get("/orders/<number>/refunds")
@staff(Permission.ORDERS_READ)
@blp.answers(200, RefundPage)
def list_refunds(number: str) -> Response:
    """The refunds of an order: for which lines, how much shipping, and where the money went."""
    order_id, _ = queries.find_order(number, Viewer(staff=True))
    return json_response(page_body(refunds.refunds_of(order_id), None))


@blp.get("/risk-reviews")
@staff(Permission.ORDERS_READ)
@blp.arguments(PageQuery, location="query")
@blp.answers(200, RiskReviewPage)
def list_risk_reviews(args: dict[str, Any]) -> Response:
    """Orders that wait for their shopper's word or for staff, those with the least time left first."""
    return json_response(risks.list_reviews(**args))


@blp.get("/orders/<number>/risk")
@staff(Permission.ORDERS_READ)
@blp.answers(200, RiskSchema)
def get_risk(number: str) -> Response:
    """How risky an order was found to be and why; and whether it is as it was placed, by its digest."""
    return json_response(risks.order_risk(number))


@blp.post("/orders/<number>/approve")
@staff(Permission.ORDERS_WRITE)
@blp.answers(202, OrderSchema)
@commits
@idempotent(required=False)
def approve(number: str) -> Response:
    """Let an order go on that waits because of its risk: 409 `not_waiting` where it does not."""
    verifying.approve(number, g.caller.user_id, request_id.current())
    audited(target=f"order:{number}")
    return json_response(queries.order_view(number, Viewer(staff=True)), 202)


@blp.post("/orders/<number>/reject")
@staff(Permission.ORDERS_WRITE)
@blp.answers(202, OrderSchema)
@commits
@idempotent(required=False)
def reject(number: str) -> Response:
    """Refuse an order that waits because of its risk: it is cancelled, its stock is free. 409 `not_waiting`."""
    verifying.reject(number, g.caller.user_id, request_id.current())
    audited(target=f"order:{number}")
    return json_response(queries.order_view(number, Viewer(staff=True)), 202)


@blp.post("/orders/<number>/cancel")
@staff(Permission.ORDERS_WRITE)
@blp.answers(202, OrderSchema)
@commits
@idempotent(required=False)
def cancel(number: str) -> Response:
    """Cancel an order that is not packed yet, also one that waits for a person. What was paid goes back by itself."""
    who = Viewer(staff=True)
    cancelling.cancel(number, who, request_id.current(), by="staff")
    audited(target=f"order:{number}")
    return json_response(queries.order_view(number, who), 202)
