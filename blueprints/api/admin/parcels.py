"""Staff: packing, labels, sending, and what becomes of parcels."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import Response

from blueprints.api.schemas.parcels import PackBody, ParcelEventBody, ParcelPage, SendBody, ShipBody, StaffParcelSchema
from blueprints.api.schemas.payments import units_by_line
from blueprints.http import request_id
from blueprints.http.access import staff
from blueprints.http.audits import audited
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits
from blueprints.http.downloads import download
from blueprints.http.idempotency import idempotent
from blueprints.http.json import json_response
from blueprints.http.pagination import page_body
from quickshop.accounts.permissions import Permission
from quickshop.kernel.ids import parse_id
from quickshop.orders import packing, parcels, queries, sending, tracking
from quickshop.orders.viewers import Viewer

blp = ApiBlueprint("admin_parcels", __name__, url_prefix="/api/v1/admin", description="Staff: parcels")


@blp.get("/orders/<number>/parcels")
@staff(Permission.ORDERS_READ)
@blp.answers(200, ParcelPage)
def list_parcels(number: str) -> Response:
    """The parcels of an order, those that were taken apart again among them."""
    order_id, _ = queries.find_order(number, Viewer(staff=True))
    return json_response(page_body(parcels.parcels_of(order_id, staff=True), None))


@blp.post("/orders/<number>/parcels")
@staff(Permission.ORDERS_WRITE)
@blp.arguments(PackBody)
@blp.answers(201, StaffParcelSchema)
@commits
@idempotent(required=False)
def pack(body: dict[str, Any], number: str) -> Response:
    """Pack a parcel. From now on the order is cancelled only by agreement. 409 `not_shippable` where it is not paid."""
    return _answer(packing.pack(number, _units(body["lines"]), request_id.current()), 201)


@blp.post("/orders/<number>/ship")
@staff(Permission.ORDERS_WRITE)
@blp.arguments(ShipBody)
@blp.answers(202, StaffParcelSchema)
@commits
@idempotent(required=False)
def ship(body: dict[str, Any], number: str) -> Response:
    """Pack a parcel and let it leave: at once where you brought it to a carrier or it is fetched, else as soon as its
    carrier gave a label, which the order's log tells.
    """
    parcel_id = packing.pack(number, _units(body["lines"]), request_id.current())
    sending.ask(parcel_id, request_id.current(), carrier=body["carrier"], number=body["tracking_number"])
    return _answer(parcel_id, 202)


@blp.get("/parcels/<parcel_id>")
@staff(Permission.ORDERS_READ)
@blp.answers(200, StaffParcelSchema)
def get_parcel(parcel_id: str) -> Response:
    """One parcel."""
    return json_response(parcels.parcel(parse_id(parcel_id, "parcel")))


@blp.post("/parcels/<parcel_id>/ship")
@staff(Permission.ORDERS_WRITE)
@blp.arguments(SendBody)
@blp.answers(202, StaffParcelSchema)
@commits
@idempotent(required=False)
def send(body: dict[str, Any], parcel_id: str) -> Response:
    """Let a packed parcel leave; one that has left stays so."""
    known = parse_id(parcel_id, "parcel")
    sending.ask(known, request_id.current(), carrier=body["carrier"], number=body["tracking_number"])
    return _answer(known, 202)


@blp.post("/parcels/<parcel_id>/unpack")
@staff(Permission.ORDERS_WRITE)
@blp.answers(200, StaffParcelSchema)
@commits
def unpack(parcel_id: str) -> Response:
    """Take a parcel apart that has not left. Where nothing else is packed its shopper can cancel the order again."""
    known = parse_id(parcel_id, "parcel")
    packing.unpack(known, request_id.current())
    return _answer(known, 200)


@blp.post("/parcels/<parcel_id>/events")
@staff(Permission.ORDERS_WRITE)
@blp.arguments(ParcelEventBody)
@blp.answers(201, StaffParcelSchema)
@commits
@idempotent(required=False)
def add_event(body: dict[str, Any], parcel_id: str) -> Response:
    """Say what became of a parcel. Units of a lost one are to be packed again, or refunded."""
    known = parse_id(parcel_id, "parcel")
    tracking.report(known, body["state"], body["code"], request_id.current())
    return _answer(known, 201)


@blp.get("/parcels/<parcel_id>/label.pdf")
@staff(Permission.ORDERS_READ)
def get_label(parcel_id: str) -> Response:
    """The carrier's label, to print."""
    known = parse_id(parcel_id, "parcel")
    return download(io.BytesIO(sending.label_of(known)), f"label-{known}.pdf", "application/pdf")


def _units(lines: Sequence[dict[str, int]] | None) -> dict[int, int] | None:
    return None if lines is None else units_by_line(lines)


def _answer(parcel_id: UUID, status: int) -> Response:
    found = parcels.parcel(parcel_id)
    audited(target=f"order:{found['order']}", after={"parcel": found["number"], "state": found["state"]})
    return json_response(found, status)
