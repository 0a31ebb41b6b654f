"""What a way of shipping costs and when it arrives. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from quickshop.kernel.errors import Invalid

_CUT_OFF_HOUR = 14  # UTC; orders after it are packed the next working day


@dataclass(frozen=True)
class Method:
    """A shipping method. Prices in minor units; the window counts working days after packing."""

    code: str
    name: str
    currency: str
    price_minor: int
    free_from_minor: int | None
    min_days: int
    max_days: int


@dataclass(frozen=True)
class Offer:
    """A method as offered for one cart: its price and delivery window."""

    code: str
    name: str
    price_minor: int
    deliver_from: date
    deliver_to: date


def add_working_days(start: date, days: int) -> date:
    """The date `days` working days (Monday to Friday) after `start`."""
    day = start
    while days > 0:
        day += timedelta(days=1)
        if day.weekday() < 5:
            days -= 1
    return day


def offer(method: Method, subtotal_minor: int, now: datetime) -> Offer:
    """The method's price for this subtotal and its window counted from `now`."""
    free = method.free_from_minor is not None and subtotal_minor >= method.free_from_minor
    packed = add_working_days(now.date(), 0 if now.hour < _CUT_OFF_HOUR and now.weekday() < 5 else 1)
    return Offer(
        code=method.code,
        name=method.name,
        price_minor=0 if free else method.price_minor,
        deliver_from=add_working_days(packed, method.min_days),
        deliver_to=add_working_days(packed, method.max_days),
    )


def choose(offers: Sequence[Offer], code: str) -> Offer:
    """The offer with this code. Raises Invalid, naming the possible ones."""
    for candidate in offers:
        if candidate.code == code:
            return candidate
    possible = ", ".join(o.code for o in offers)
    raise Invalid({"shipping_method": [f"Not offered for this cart; possible: {possible}."]})
