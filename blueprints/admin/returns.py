"""The pages on which staff decide on returns, note what arrived and give for it what is due; and wishes to cancel."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response, g, make_response, render_template, request

from blueprints.admin.forms import Typed
from blueprints.admin.notes import problem
from blueprints.admin.views import staff
from blueprints.http import request_id
from blueprints.http.audits import audited
from blueprints.http.commits import commits_itself
from blueprints.http.limits import limited
from blueprints.http.page_access import staff_page
from blueprints.http.pages import go
from blueprints.http.returns import photo_response
from quickshop.accounts.permissions import Permission
from quickshop.kernel import idempotency
from quickshop.kernel.errors import Invalid, NotFound, ShopError
from quickshop.kernel.ids import new_id, parse_id
from quickshop.kernel.money import money
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders.viewers import Viewer
from quickshop.returns import cancellations, photos, queries, receiving, service, settling
from quickshop.returns.receiving import Arrived
from quickshop.returns.states import State

STAFF = Viewer(staff=True)
ADDRESS = "/admin/returns"
STATES = [str(state) for state in State]
LONGEST_ANSWER = 300
MOST_UNITS = 10**6


def _list(error: ShopError | None = None) -> Response:
    asked = request.args.get("state", "requested")
    state = asked if asked in STATES else None
    shown = render_template(
        "staff/returns.html",
        section="returns",
        returns=queries.list_returns(state, cursor=request.args.get("cursor") or None),
        wishes=cancellations.list_requests("requested")["items"],
        states=STATES,
        state=state or "",
        waiting=queries.waiting(),
        may_decide=g.caller.may(Permission.ORDERS_WRITE),
        problem=problem(error),
    )
    return make_response(shown, error.status if error else 200)


@staff.get("/returns")
@staff_page(Permission.ORDERS_READ)
def list_returns() -> Response:
    """Those in one state, by default those that wait for an answer; and wishes to cancel what is packed."""
    return _list()


def _page(return_id: UUID, error: ShopError | None = None) -> Response:
    found = queries.return_by_id(return_id, STAFF)
    may = g.caller.may(Permission.ORDERS_WRITE)
    shown = render_template(
        "staff/return.html",
        section="returns",
        found=found,
        came=any(line["received"] for line in found["lines"]),
        shipping_due=money(settling.shipping_due(return_id), found["currency"]),
        may_decide=may,
        key=str(new_id()),
        problem=problem(error),
    )
    return make_response(shown, error.status if error else 200)


@staff.get("/returns/<return_id>")
@staff_page(Permission.ORDERS_READ)
def one_return(return_id: str) -> Response:
    """One return with what can be done about it now."""
    return _page(parse_id(return_id, "return"))


@staff.get("/returns/<return_id>/photos/<int:position>")
@staff_page(Permission.ORDERS_READ)
@limited("media")
def return_photo(return_id: str, position: int) -> Response:
    """A picture of a return."""
    return photo_response(photos.of_return(parse_id(return_id, "return"), position))


@staff.post("/returns/<return_id>/<verb>")
@staff_page(Permission.ORDERS_WRITE)
@commits_itself
def act_on_return(return_id: str, verb: str) -> Response:
    """Approve, reject, receive, refund or exchange; a second time is refused by the state it is in then."""
    work = VERBS.get(verb)
    if work is None:
        raise NotFound("page")
    found = parse_id(return_id, "return")
    try:
        run_unit(lambda: work(found))
    except ShopError as error:
        if error.status == 404:
            raise
        return _page(found, error)
    return go(f"{ADDRESS}/{return_id}")


def _approve(return_id: UUID) -> None:
    service.approve(return_id, g.caller.user_id, request_id.current())
    _note(return_id, "approve")


def _answer() -> str:
    return Typed(request.form).text("answer", "What the shopper is told", LONGEST_ANSWER)


def _reject(return_id: UUID) -> None:
    service.reject(return_id, _answer(), g.caller.user_id, request_id.current())
    _note(return_id, "reject")


def _receive(return_id: UUID) -> None:
    typed = Typed(request.form)
    arrived = {}
    for line in queries.return_by_id(return_id, STAFF)["lines"]:
        place, name = line["line"], line["name"]
        received = typed.whole(f"received-{place}", f"What came of {name}", 0, MOST_UNITS) or 0
        restocked = typed.whole(f"restocked-{place}", f"What of {name} can be sold again", 0, MOST_UNITS) or 0
        arrived[place] = Arrived(received, restocked)
    receiving.receive(return_id, arrived, request_id.current())
    _note(return_id, "receive", {place: [a.received, a.restocked] for place, a in arrived.items()})


def _refund(return_id: UUID) -> None:
    typed = Typed(request.form)
    found = queries.return_by_id(return_id, STAFF)
    currency = found["currency"]
    amounts = {
        line["line"]: minor
        for line in found["lines"]
        if (minor := typed.amount(f"amount-{line['line']}", f"The amount for {line['name']}", currency)) is not None
    }
    shipping = typed.amount("shipping", "Shipping", currency)
    to = request.form.get("to") or None
    if to not in (None, "original", "store_credit"):
        raise Invalid({"to": ["To where?"]})
    if _sent_before(return_id, "refund"):
        return
    given = settling.refund(return_id, request_id.current(), amounts=amounts, shipping_minor=shipping, to=to)
    _note(return_id, "refund", {"amount": given.amount_minor, "currency": currency})
    idempotency.bind(_slot(return_id, "refund"), 202, json.dumps(given.number).encode())


def _exchange(return_id: UUID) -> None:
    if _sent_before(return_id, "exchange"):
        return
    number = settling.exchange(return_id, request_id.current())
    _note(return_id, "exchange", {"order": number})
    idempotency.bind(_slot(return_id, "exchange"), 202, json.dumps(number).encode())


def _slot(return_id: UUID, verb: str) -> idempotency.Slot:
    key = idempotency.form_key(request.form.get("idempotency_key"))
    return idempotency.slot(f"user:{g.caller.user_id}", f"POST {ADDRESS}/{return_id}/{verb}", key, verb.encode())


def _sent_before(return_id: UUID, verb: str) -> bool:
    return idempotency.enter(_slot(return_id, verb)) is not None


def _note(return_id: UUID, verb: str, after: Any = None) -> None:
    audited(action=f"return.{verb}", target=f"return:{return_id}", after=after)


VERBS: dict[str, Callable[[UUID], None]] = {
    "approve": _approve,
    "reject": _reject,
    "receive": _receive,
    "refund": _refund,
    "exchange": _exchange,
}


@staff.post("/cancellation-requests/<asked_id>/<decision>")
@staff_page(Permission.ORDERS_WRITE)
@commits_itself
def decide_wish(asked_id: str, decision: str) -> Response:
    """Grant a wish to cancel what is packed, or refuse it."""
    if decision not in ("grant", "refuse"):
        raise NotFound("page")
    found = parse_id(asked_id, "request")
    try:
        number = run_unit(lambda: _decide(found, decision))
    except ShopError as error:
        if error.status == 404:
            raise
        return _list(error)
    audited(action=f"cancellation.{decision}", target=f"order:{number}")
    return go(ADDRESS)


def _decide(asked_id: UUID, decision: str) -> str:
    if decision == "grant":
        return cancellations.grant(asked_id, g.caller.user_id, request_id.current())
    return cancellations.refuse(asked_id, _answer(), g.caller.user_id, request_id.current())
