"""What carriers and staff say of parcels: taken once, in whatever order it comes, and told to who waits for the parcel.

What is older than what is known changes nothing but is kept. A lost parcel's units are to be packed again.
"""

from __future__ import annotations

import logging
from datetime import date
from typing import Any
from uuid import UUID

from quickshop.extensions import settings
from quickshop.kernel import clock, db
from quickshop.kernel.errors import NotFound
from quickshop.kernel.events import Fact
from quickshop.kernel.ids import new_id
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.orders import estimates, goods, packing, progress, sending
from quickshop.orders.errors import NotShippable
from quickshop.orders.estimating import after_exception
from quickshop.orders.steps import TOLD
from quickshop.shipping.carriers.port import CarrierTrouble, Seen
from quickshop.shipping.carriers.registry import SIMULATOR, carrier_for

log = logging.getLogger(__name__)

# How far a parcel has come; a carrier's word never takes it back, but for trouble on the way.
_RANK = {"packed": 0, "label": 1, "in_transit": 2, "exception": 3, "out_for_delivery": 3, "delivered": 4, "lost": 4}
_FACTS = {
    "in_transit": "order.in_transit",
    "out_for_delivery": "order.out_for_delivery",
    "exception": "order.delivery_exception",
    "delivered": "order.delivered",
    "lost": "order.parcel_lost",
}
# A carrier's own scan says no more than that we sent it: nobody is written to again.
_TOLD = ("out_for_delivery", "exception", "delivered", "lost")


def read_carrier(name: str = SIMULATOR) -> int:
    """Take what a carrier has to say since the last time; how many events. Runs its own units."""
    carrier = carrier_for(name, settings())
    if carrier is None:
        return 0
    taken = 0
    while True:
        with reading():
            cursor = db.scalar("SELECT cursor FROM carrier_cursors WHERE carrier = :name", name=name)
        try:
            found, following = carrier.events(cursor)
        except CarrierTrouble as trouble:
            log.warning("carrier %s: %s", name, trouble)
            return taken
        for seen in found:
            _take(seen)
        if following == cursor:
            return taken
        taken += len(found)
        run_unit(lambda following=following: _remember(name, following))  # type: ignore[misc]


def _remember(name: str, cursor: str) -> None:
    db.run(
        "INSERT INTO carrier_cursors (carrier, cursor) VALUES (:name, :cursor) ON CONFLICT (carrier)"
        " DO UPDATE SET cursor = EXCLUDED.cursor, read_at = now()",
        name=name,
        cursor=cursor,
    )


def _take(seen: Seen) -> None:
    try:
        parcel_id = UUID(seen.parcel)
        run_unit(lambda: record(parcel_id, seen))
    except (ValueError, NotFound):
        log.info("a carrier speaks of a parcel that is not ours")


def report(parcel_id: UUID, state: str, code: str | None, request_id: str | None) -> None:
    """What staff say of a parcel, now. Writes; the caller commits. Raises NotFound, NotShippable where it is over."""
    parcel, _ = packing.lock_parcel(parcel_id)
    if parcel.state in ("delivered", "lost", "cancelled"):
        raise NotShippable(f"The parcel is {parcel.state}.")
    record(parcel_id, Seen(f"staff:{new_id()}", str(parcel_id), state, clock.now(), code), request_id)


def record(parcel_id: UUID, seen: Seen, request_id: str | None = None) -> bool:
    """Take what was said of a parcel; whether it changed anything. Writes; the caller commits. Raises NotFound.

    Records `order.shipped` where it had not left by our word, then the fact of the state.
    """
    parcel, order = packing.lock_parcel(parcel_id)
    news = parcel.state != "cancelled" and _is_news(parcel, seen)
    kept = db.run(
        "INSERT INTO parcel_events (parcel_id, key, state, code, at, taken)"
        " VALUES (:parcel, :key, :state, :code, :at, :taken) ON CONFLICT DO NOTHING",
        parcel=parcel_id,
        key=seen.key,
        state=seen.state,
        code=seen.code,
        at=seen.at,
        taken=news,
    ).rowcount
    if not kept or not news:
        return False
    if parcel.state in ("packed", "label"):
        sending.depart(parcel, order, request_id)
        parcel, order = packing.lock_parcel(parcel_id)
        if seen.state == "in_transit":
            return True
    _change(parcel, order, seen, request_id)
    return True


def _is_news(parcel: Any, seen: Seen) -> bool:
    if parcel.state in ("delivered", "lost"):
        return False
    if parcel.told_at is not None and seen.at < parcel.told_at:
        return False
    return seen.state != parcel.state and (
        _RANK[seen.state] > _RANK[parcel.state] or "exception" in (seen.state, parcel.state)
    )


def _change(parcel: Any, order: Any, seen: Seen, request_id: str | None) -> None:
    first, last = _window(parcel, seen)
    db.run(
        "UPDATE parcels SET state = :state, told_at = :at, exception_code = :code, deliver_from = :first,"
        " deliver_to = :last, delivered_at = CASE WHEN :state = 'delivered' THEN CAST(:at AS timestamptz) END"
        " WHERE id = :id",
        id=parcel.id,
        state=seen.state,
        at=seen.at,
        code=seen.code if seen.state == "exception" else None,
        first=first,
        last=last,
    )
    units = packing.units_of(parcel.id)
    if seen.state == "delivered":
        progress.change("delivered", units)
    elif seen.state == "lost":
        less = {line: -quantity for line, quantity in units.items()}
        progress.change("shipped", less)
        progress.change("packed", less)
    expected, slipped = estimates.retell(order)
    facts = [Fact(_FACTS[seen.state], _data(parcel, order, seen), consumers=TOLD if seen.state in _TOLD else ())]
    goods.tell(order, [*facts, *slipped], expected=expected, request_id=request_id)


def _data(parcel: Any, order: Any, seen: Seen) -> dict[str, Any]:
    data: dict[str, Any] = {"parcel": parcel.number}
    if seen.state == "exception":
        data["code"] = seen.code or "delayed"
    if seen.state == "delivered":
        lines = progress.lines(order.id)
        data["whole"] = all(line.delivered == line.coming for line in lines)
    return data


def _window(parcel: Any, seen: Seen) -> tuple[date | None, date | None]:
    if parcel.deliver_to is None:
        return None, None
    known = estimates.calendar()
    now = estimates.today(known)
    if seen.state == "exception":
        return after_exception((parcel.deliver_from, parcel.deliver_to), now, known)
    if seen.state == "out_for_delivery":
        return now, now
    return parcel.deliver_from, parcel.deliver_to
