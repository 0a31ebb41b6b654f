"""One order on the staff's pages: its log, its payments, and what staff do with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response, g, make_response, render_template, request

from blueprints.admin.forms import Typed
from blueprints.admin.views import staff
from blueprints.http import request_id
from blueprints.http.audits import audited
from blueprints.http.commits import commits_itself
from blueprints.http.orders import viewer
from blueprints.http.page_access import staff_page
from blueprints.http.pages import go
from quickshop.accounts.permissions import Permission
from quickshop.checkout import drafts
from quickshop.invoices import queries as invoices
from quickshop.kernel import idempotency
from quickshop.kernel.errors import Invalid, ShopError
from quickshop.kernel.ids import new_id
from quickshop.kernel.money import Money
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders import cancelling, editing, holding, notes, parcels, queries, refunding, risks, stages
from quickshop.orders.viewers import Viewer
from quickshop.support.queries import tickets_of_order

STAFF = Viewer(staff=True)


def _page(number: str, error: ShopError | None = None) -> Response:
    who = viewer(None)
    found = queries.order_view(number, who)
    may = g.caller.may(Permission.ORDERS_WRITE)
    shown = render_template(
        "staff/order.html",
        section="orders",
        order=found,
        events=queries.order_events(number, who, 0),
        payments=queries.order_payments(number),
        cancellable=may and cancelling.cancellable(found["status"], found["fulfilment_status"], found["packing_at"]),
        refundable=may and found["payment_status"] in ("captured", "partially_refunded"),
        risk=risks.order_risk(number),
        papers=invoices.order_invoices(number, who),
        parcels=parcels.parcels_of(UUID(found["id"]), staff=True),
        packable=_packable(found),
        work=stages.order_stages(number),
        notes=notes.of_order(number),
        editable=may and editing.editable(found["status"], found["confirmed_at"], found["packing_at"]),
        added=drafts.drafts_for(number),
        holdable=may and holding.holdable(found["status"], found["fulfilment_status"]),
        may_write=may,
        order_tickets=tickets_of_order(UUID(found["id"]), STAFF) if g.caller.may(Permission.TICKETS_WRITE) else [],
        refund_key=str(new_id()),
        problem=error.detail if error else None,
    )
    return make_response(shown, error.status if error else 200)


def _packable(order: dict[str, Any]) -> list[dict[str, Any]]:
    """The lines of a paid order of which units are still to be packed."""
    if order["status"] not in ("confirmed", "completed"):
        return []
    left = [{**i, "left": i["quantity"] - i["units"]["cancelled"] - i["units"]["packed"]} for i in order["items"]]
    return [item for item in left if item["left"]]


@staff.get("/orders/<number>")
@staff_page(Permission.ORDERS_READ)
def order(number: str) -> Response:
    """One order with its whole log."""
    return _page(number)


@staff.post("/orders/<number>/cancel")
@staff_page(Permission.ORDERS_WRITE)
@commits_itself
def cancel_order(number: str) -> Response:
    """Cancel an order that is not packed yet."""
    return done(number, lambda: cancelling.cancel(number, STAFF, request_id.current(), by="staff"))


@staff.post("/orders/<number>/refund")
@staff_page(Permission.ORDERS_WRITE)
@commits_itself
def refund_order(number: str) -> Response:
    """Give back a part or all of what was taken; the key of the form makes a second sending harmless."""
    return done(number, lambda: _refund(number))


def _refund(number: str) -> None:
    typed = Typed(request.form)
    total = queries.order_view(number, STAFF)["totals"]["total"]
    minor = typed.amount("amount", "The amount", total["currency"])
    if not minor:
        raise Invalid({"amount": ["How much?"]}, "Say how much goes back.")
    reason = typed.text("reason", "The reason", 200, needed=False) or None
    key = idempotency.form_key(request.form.get("idempotency_key"))
    slot = idempotency.slot(f"user:{g.caller.user_id}", f"POST /admin/orders/{number}/refund", key, b"%d" % minor)
    if idempotency.enter(slot):
        return
    refunding.refund(number, Money(minor, total["currency"]), reason, request_id.current())
    audited(target=f"order:{number}", after={"amount": minor, "currency": total["currency"]})
    idempotency.bind(slot, 202, json.dumps(number).encode())


def done(number: str, work: Callable[[], Any]) -> Response:
    """Do something to an order in one unit and show its page again, with what was refused."""
    try:
        run_unit(work)
    except ShopError as error:
        if error.status == 404:
            raise
        return _page(number, error)
    return go(f"/admin/orders/{number}")
