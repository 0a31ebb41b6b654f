"""When orders will arrive by what is known now: read from the shop's calendar, and told when it slips."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from quickshop.kernel import clock, db
from quickshop.kernel.events import Fact
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.orders import goods
from quickshop.orders.estimating import Days, Window, of_unsent, slips, whole, window
from quickshop.orders.steps import TOLD
from quickshop.shipping.queries import HOLIDAYS, HOME_SETTINGS, terms_of
from quickshop.shipping.rules import Calendar

BATCH = 200


def calendar() -> Calendar:
    """The shop's working days, with the queue of packing as it was counted last."""
    row = db.run(f"SELECT {HOME_SETTINGS} AS settings, {HOLIDAYS} AS holidays", today=clock.now().date()).one()
    return terms_of(row.settings, None, [], row.holidays).calendar


def today(of: Calendar) -> date:
    """The day by the shop's clock."""
    return clock.now().astimezone(ZoneInfo(of.timezone)).date()


def days_of(order: Any) -> Days:
    """How many working days an order's way of shipping takes: as it is set now, else as it was promised."""
    code = order.shipping_method.get("code")
    row = db.row("SELECT min_days, max_days FROM shipping_methods WHERE code = :code", code=code)
    return Days(row.min_days, row.max_days) if row else Days(0, max(0, (order.told_to - order.told_from).days))


def parcel_window(order: Any, now: datetime) -> Window:
    """From when to when a parcel arrives that leaves now."""
    known = calendar()
    return window(now.astimezone(ZoneInfo(known.timezone)).date(), days_of(order), known)


def expected(order: Any) -> Window | None:
    """The window of a locked order by its parcels and what is still to be sent; None where nothing is coming."""
    found = goods.look(order)
    under_way = ("in_transit", "out_for_delivery", "exception")
    parts = [(p.deliver_from, p.deliver_to) for p in found.parcels if p.state in under_way and p.deliver_to]
    if any(line.coming > line.shipped for line in found.lines):
        parts.append(of_unsent(order.confirmed_at or order.placed_at, clock.now(), days_of(order), calendar()))
    return whole(parts)


def retell(order: Any) -> tuple[Window | None, list[Fact]]:
    """What a locked order's window is now, and the fact that tells its shopper where it slips."""
    found = expected(order)
    told = (order.told_from, order.told_to)
    if found is None or found == told:
        return None, []
    if not slips(told, found):
        return found, []
    data = {"from": found[0].isoformat(), "to": found[1].isoformat(), "before": told[1].isoformat()}
    return found, [Fact("order.delivery_delayed", data, consumers=TOLD)]


# What was promised for a day that is over, or cannot be kept by now; looked at oldest promise first.
_LATE = """
SELECT o.id FROM orders o WHERE o.confirmed_at IS NOT NULL AND o.delivered_at IS NULL AND o.status = 'confirmed'
  AND o.fulfilment_status IN ('unfulfilled', 'partially_shipped')
  AND coalesce(o.expected_to, o.deliver_to) < CAST(:horizon AS date) AND o.id > :after
ORDER BY o.id LIMIT :limit
"""


def tell_delays() -> int:
    """Estimate the orders anew that are to be sent soon, and tell those whose window slips; how many slipped.

    Runs its own units, one for each order that changes.
    """
    with reading():
        horizon = date.fromordinal(today(calendar()).toordinal() + 30)
    slipped, after = 0, UUID(int=0)
    while True:
        with reading():
            ids = [row.id for row in db.rows(_LATE, horizon=horizon, after=after, limit=BATCH)]
        slipped += sum(run_unit(lambda order_id=order_id: _tell_delay(order_id)) for order_id in ids)  # type: ignore[misc]
        if len(ids) < BATCH:
            return slipped
        after = ids[-1]


def _tell_delay(order_id: UUID) -> bool:
    order = goods.lock_id(order_id)
    if order.status != "confirmed":
        return False
    found, facts = retell(order)
    if not facts:
        return False
    goods.tell(order, facts, expected=found)
    return True
