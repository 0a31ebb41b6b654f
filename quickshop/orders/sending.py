"""Sending: a parcel gets a carrier with number and label, and leaves the house.

The carrier is asked by a worker with no transaction open, under the parcel's id: whoever is cut and asks again gets
the same label. What it gave is kept sealed with the key of the person it goes to.
"""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from quickshop.accounts.people import PersonKey, person_key
from quickshop.extensions import settings
from quickshop.kernel import clock, db, outbox
from quickshop.kernel.errors import NotFound
from quickshop.kernel.events import Fact
from quickshop.kernel.outbox import TaskHint
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.orders import goods, packing, progress
from quickshop.orders.errors import NotShippable
from quickshop.orders.estimates import parcel_window
from quickshop.orders.steps import TOLD
from quickshop.shipping.carriers.port import Booked, CarrierRefused, CarrierTrouble, Consignment
from quickshop.shipping.carriers.registry import MANUAL, PICKUP, carrier_for, usual_carrier

log = logging.getLogger(__name__)

_PARCEL = """
SELECT p.id, p.number, p.state, p.carrier, o.id AS order_id, o.number AS order_number, o.shipping_method, o.person_id,
       o.shipping_address, per.key_id, per.wrapped_key,
       (SELECT coalesce(sum(l.quantity * v.weight_grams), 0)::bigint FROM parcel_lines l
        JOIN order_lines ol ON ol.id = l.line_id JOIN variants v ON v.id = ol.variant_id
        WHERE l.parcel_id = p.id) AS weight_grams
FROM parcels p JOIN orders o ON o.id = p.order_id JOIN persons per ON per.id = o.person_id WHERE p.id = :id
"""


def tracking_place(parcel_id: UUID) -> str:
    """Where a parcel's number stands sealed."""
    return f"parcels/tracking/{parcel_id}"


def label_place(parcel_id: UUID) -> str:
    """Where a parcel's label stands sealed."""
    return f"parcels/label/{parcel_id}"


def _key(row: Any) -> PersonKey:
    if row.wrapped_key is None:
        raise NotShippable("The person it would go to was erased.")
    return person_key(row.person_id, row.key_id, row.wrapped_key)


def ask(parcel_id: UUID, request_id: str | None, *, carrier: str | None = None, number: str | None = None) -> None:
    """Let a packed parcel go: at once where staff bring it to a carrier or the shopper fetches it, else as soon as its
    carrier gave a label, which a worker asks for. Again changes nothing. Writes; the caller commits.

    `number` is the tracking number of a carrier that staff brought it to. Raises NotFound, NotShippable.
    """
    parcel, order = packing.lock_parcel(parcel_id)
    if parcel.state == "cancelled":
        raise NotShippable("The parcel was taken apart.")
    if parcel.state not in ("packed", "label"):
        return
    goods.demand_paid(order)
    chosen = carrier or (MANUAL if number else usual_carrier(settings(), order.shipping_method.get("kind", "")))
    if carrier_for(chosen, settings()) is None or number:
        found = db.run(_PARCEL, id=parcel_id).one()
        _keep(found, chosen, Booked(number) if number else None, _key(found))
        depart(*packing.lock_parcel(parcel_id), request_id)
        return
    db.run("UPDATE parcels SET carrier = :carrier, send_at = now() WHERE id = :id", id=parcel_id, carrier=chosen)
    outbox.write(tasks=[TaskHint("shipping.send", "system")])


_DUE = "SELECT id FROM parcels WHERE send_at <= now() ORDER BY send_at LIMIT :limit"
_TRY = """
UPDATE parcels SET attempts = attempts + 1,
    send_at = now() + make_interval(secs => least(3600, 5 * power(2, least(attempts, 10))))
WHERE id = (SELECT id FROM parcels WHERE id = :id AND send_at <= now() FOR UPDATE SKIP LOCKED) RETURNING id
"""


def send_due(limit: int = 100) -> int:
    """Ask carriers for the labels of parcels that wait for one, and let these go; how many left. Runs its own units.

    A carrier that does not answer is asked again with growing pauses of up to an hour.
    """
    with reading():
        due = [row.id for row in db.rows(_DUE, limit=limit)]
    return sum(_try(parcel_id) for parcel_id in due)


def _try(parcel_id: UUID) -> bool:
    # Counted and put off before the carrier is asked: who is cut meanwhile is followed by a later attempt.
    if run_unit(lambda: db.scalar(_TRY, id=parcel_id)) is None:
        return False
    try:
        _book(parcel_id)
    except (CarrierTrouble, CarrierRefused) as trouble:
        error = f"{type(trouble).__name__}: {trouble}"[:200]
        log.warning("parcel %s: %s", parcel_id, error)
        run_unit(lambda: db.run("UPDATE parcels SET last_error = :error WHERE id = :id", id=parcel_id, error=error))
        return False
    return run_unit(lambda: leave(parcel_id, None))


def _book(parcel_id: UUID) -> None:
    """Have the label made, or made out again under the same key, and keep it."""
    with reading():
        found = db.run(_PARCEL, id=parcel_id).one()
    port = carrier_for(found.carrier, settings())
    if found.state != "packed" or port is None or found.wrapped_key is None:
        return
    key = _key(found)
    address = key.unseal(found.shipping_address, f"orders/shipping_address/{found.order_id}")
    reference, service = f"{found.order_number}/{found.number}", found.shipping_method["code"]
    booked = port.book(Consignment(str(found.id), reference, service, found.weight_grams, address))
    run_unit(lambda: _keep(found, found.carrier, booked, key))


def _keep(found: Any, carrier: str, booked: Booked | None, key: PersonKey) -> None:
    parcel, _ = packing.lock_parcel(found.id)
    if parcel.state != "packed":
        return
    told = {"number": booked.tracking_number, "url": booked.url} if booked else None
    label = booked.label if booked else None
    db.run(
        "UPDATE parcels SET state = 'label', carrier = :carrier, tracking = :tracking, label = :label WHERE id = :id",
        id=found.id,
        carrier=carrier,
        tracking=key.seal(told, tracking_place(found.id)) if told else None,
        label=key.seal(label.decode("latin-1"), label_place(found.id)) if label else None,
    )


def leave(parcel_id: UUID, request_id: str | None) -> bool:
    """Let a parcel that has its label leave the house, where it has not. Writes; the caller commits."""
    parcel, order = packing.lock_parcel(parcel_id)
    if parcel.state != "label" or order.status not in ("confirmed", "completed"):
        return False
    depart(parcel, order, request_id)
    return True


def depart(parcel: Any, order: Any, request_id: str | None) -> None:
    """Write that a locked parcel of a locked order has left, with when it will arrive."""
    first, last = parcel_window(order, clock.now())
    pickup = parcel.carrier == PICKUP
    db.run(
        "UPDATE parcels SET state = :state, shipped_at = :at, deliver_from = :first, deliver_to = :last,"
        " send_at = NULL, last_error = NULL WHERE id = :id",
        id=parcel.id,
        state="out_for_delivery" if pickup else "in_transit",
        at=clock.now(),
        first=first,
        last=last,
    )
    units = packing.units_of(parcel.id)
    progress.change("shipped", units)
    places = {line.id: line.position + 1 for line in progress.lines(order.id)}
    left = sum(line.coming - line.shipped for line in progress.lines(order.id))
    lines = [{"line": places[line], "quantity": n} for line, n in sorted(units.items(), key=lambda i: places[i[0]])]
    data = {"parcel": parcel.number, "lines": lines, "whole": left == 0, "pickup": pickup}
    goods.tell(order, [Fact("order.shipped", data, consumers=TOLD)], request_id=request_id)


def label_of(parcel_id: UUID) -> bytes:
    """A parcel's label as a PDF. Raises NotFound where there is none."""
    row = db.row(
        "SELECT p.id, p.label, o.person_id, per.key_id, per.wrapped_key FROM parcels p"
        " JOIN orders o ON o.id = p.order_id JOIN persons per ON per.id = o.person_id WHERE p.id = :id",
        id=parcel_id,
    )
    if row is None or row.label is None or row.wrapped_key is None:
        raise NotFound("label")
    text: str = _key(row).unseal(row.label, label_place(parcel_id))
    return text.encode("latin-1")
