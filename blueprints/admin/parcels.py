"""Parcels on a staff's page of an order: packing, sending, what becomes of them."""

from __future__ import annotations

import io
from typing import Any

from flask import Response, request

from blueprints.admin.forms import Typed
from blueprints.admin.orders import done
from blueprints.admin.views import staff
from blueprints.http import request_id
from blueprints.http.audits import audited
from blueprints.http.commits import commits_itself
from blueprints.http.downloads import download
from blueprints.http.page_access import staff_page
from quickshop.accounts.permissions import Permission
from quickshop.kernel import idempotency
from quickshop.kernel.errors import Invalid
from quickshop.kernel.ids import parse_id
from quickshop.orders import packing, parcels, sending, tracking
from quickshop.shipping.carriers.port import STATES

_UNITS = "units-"


@staff.post("/orders/<number>/parcels")
@staff_page(Permission.ORDERS_WRITE)
@commits_itself
def pack_parcel(number: str) -> Response:
    """Pack what was typed, and let it leave where the button says so; a second sending of the form packs once."""
    return done(number, lambda: _pack(number))


def _pack(number: str) -> None:
    typed = Typed(request.form)
    names = [name for name in request.form if name.startswith(_UNITS) and name[len(_UNITS) :].isdecimal()]
    wanted = {int(name[len(_UNITS) :]): typed.whole(name, "Units", 0, 10**6) or 0 for name in names}
    units = {line: quantity for line, quantity in wanted.items() if quantity}
    if not units:
        raise Invalid({"lines": ["Nothing."]}, "Say what goes into the parcel.")
    key = idempotency.form_key(request.form.get("idempotency_key"))
    told = repr(sorted(units.items())).encode()
    slot = idempotency.slot(f"form:{number}", f"POST /admin/orders/{number}/parcels", key, told)
    if idempotency.enter(slot):
        return
    parcel_id = packing.pack(number, units, request_id.current())
    if request.form.get("then") == "ship":
        sending.ask(parcel_id, request_id.current(), **_way(typed))
    _said(str(parcel_id))
    idempotency.bind(slot, 201, b"{}")


def _way(typed: Typed) -> dict[str, Any]:
    """The carrier's number, where staff bring the parcel to one themselves."""
    number = typed.text("tracking_number", "The tracking number", 60, needed=False)
    return {"number": number} if number else {}


def _said(parcel_id: str) -> None:
    found = parcels.parcel(parse_id(parcel_id, "parcel"))
    audited(target=f"order:{found['order']}", after={"parcel": found["number"], "state": found["state"]})


def _order_of(parcel_id: str) -> str:
    return str(parcels.parcel(parse_id(parcel_id, "parcel"))["order"])


@staff.post("/parcels/<parcel_id>/ship")
@staff_page(Permission.ORDERS_WRITE)
@commits_itself
def ship_parcel(parcel_id: str) -> Response:
    """Let a packed parcel leave."""

    def work() -> None:
        sending.ask(parse_id(parcel_id, "parcel"), request_id.current(), **_way(Typed(request.form)))
        _said(parcel_id)

    return done(_order_of(parcel_id), work)


@staff.post("/parcels/<parcel_id>/unpack")
@staff_page(Permission.ORDERS_WRITE)
@commits_itself
def unpack_parcel(parcel_id: str) -> Response:
    """Take a parcel apart that has not left."""

    def work() -> None:
        packing.unpack(parse_id(parcel_id, "parcel"), request_id.current())
        _said(parcel_id)

    return done(_order_of(parcel_id), work)


@staff.post("/parcels/<parcel_id>/events")
@staff_page(Permission.ORDERS_WRITE)
@commits_itself
def tell_of_parcel(parcel_id: str) -> Response:
    """Say what became of a parcel."""
    state = request.form.get("state", "")

    def work() -> None:
        if state not in STATES:
            raise Invalid({"state": ["Unknown."]}, "Say what became of the parcel.")
        tracking.report(parse_id(parcel_id, "parcel"), state, None, request_id.current())
        _said(parcel_id)

    return done(_order_of(parcel_id), work)


@staff.get("/parcels/<parcel_id>/label.pdf")
@staff_page(Permission.ORDERS_READ)
def parcel_label(parcel_id: str) -> Response:
    """The carrier's label, to print."""
    known = parse_id(parcel_id, "parcel")
    return download(io.BytesIO(sending.label_of(known)), f"label-{known}.pdf", "application/pdf")
