"""When an order will arrive, by what is known now. Pure: dates from the shop's calendar and the parcels' windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from quickshop.shipping.rules import Calendar, add_working_days, packed_on

# How many working days a carrier's trouble costs, where it says no more.
EXCEPTION_DAYS = 2
Window = tuple[date, date]


@dataclass(frozen=True)
class Days:
    """How many working days a method takes once a parcel has left."""

    least: int
    most: int


def window(packed: date, days: Days, calendar: Calendar) -> Window:
    """From when to when a parcel arrives that is packed on a day."""
    return add_working_days(packed, days.least, calendar), add_working_days(packed, days.most, calendar)


def of_unsent(placed_at: datetime, now: datetime, days: Days, calendar: Calendar) -> Window:
    """The window of what is not packed yet: as promised at the time, unless the queue makes it later."""
    packed = max(packed_on(calendar, placed_at), _next_working(calendar, now))
    return window(packed, days, calendar)


def _next_working(calendar: Calendar, now: datetime) -> date:
    """The day on which the shop could pack it at the earliest, if it began now and nothing waited before."""
    return packed_on(replace(calendar, handling_days=0, queue_days=0), now)


def after_exception(known: Window, today: date, calendar: Calendar) -> Window:
    """The window of a parcel that a carrier has trouble with."""
    first, last = known
    return (
        max(first, add_working_days(today, 1, calendar)),
        max(add_working_days(last, EXCEPTION_DAYS, calendar), add_working_days(today, EXCEPTION_DAYS, calendar)),
    )


def whole(parts: Sequence[Window]) -> Window | None:
    """The window of an order from those of its parcels and of what is still to be sent: the last part decides."""
    if not parts:
        return None
    return max(first for first, _ in parts), max(last for _, last in parts)


def slips(told: Window, found: Window) -> bool:
    """Whether what is found is later than what the shopper was told."""
    return found[1] > told[1]
