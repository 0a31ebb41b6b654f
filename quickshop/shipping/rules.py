"""What a way of shipping costs, whom it serves and when it arrives. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from quickshop.accounts.places import Place
from quickshop.kernel.errors import Invalid

MOST_QUEUE_DAYS = 60  # beyond it a count says that staff are away rather than when they will be through


@dataclass(frozen=True)
class Band:
    """What a method costs, in minor units, from a weight in grams or a value in minor units on."""

    starts_at: int
    price_minor: int


@dataclass(frozen=True)
class Method:
    """A shipping method. Prices in minor units; the window counts working days after packing.

    `priced_by` is flat, weight or value; the last band that has begun gives the price, `price_minor` before the first.
    Limits of weight and value are inclusive, None is none. `zone` None serves everywhere. `kind` is delivery or pickup.
    """

    code: str
    name: str
    currency: str
    price_minor: int
    free_from_minor: int | None
    min_days: int
    max_days: int
    kind: str = "delivery"
    zone: str | None = None
    priced_by: str = "flat"
    bands: tuple[Band, ...] = ()
    min_weight_grams: int = 0
    max_weight_grams: int | None = None
    min_value_minor: int = 0
    max_value_minor: int | None = None
    note: str = ""

    @property
    def pickup(self) -> bool:
        """Whether the shopper comes for it."""
        return self.kind == "pickup"


@dataclass(frozen=True)
class Calendar:
    """When the shop works, by its own clock. `working_days` count 1 (Monday) to 7; `queue_days` is the work before."""

    timezone: str = "UTC"
    cut_off: time = time(14)
    handling_days: int = 0
    working_days: frozenset[int] = frozenset({1, 2, 3, 4, 5})
    holidays: frozenset[date] = field(default=frozenset())
    queue_days: int = 0

    def works(self, day: date) -> bool:
        """Whether anything is packed or delivered on this day."""
        return day.isoweekday() in self.working_days and day not in self.holidays


PLAIN = Calendar()


@dataclass(frozen=True)
class Parcel:
    """What is to be shipped: its weight, and its value after discounts in minor units."""

    weight_grams: int
    value_minor: int


@dataclass(frozen=True)
class Offer:
    """A method as offered for one cart: its price and delivery window."""

    code: str
    name: str
    price_minor: int
    deliver_from: date
    deliver_to: date
    kind: str = "delivery"
    note: str = ""
    free_from_minor: int | None = None

    @property
    def pickup(self) -> bool:
        """Whether the shopper comes for it."""
        return self.kind == "pickup"


@dataclass(frozen=True)
class Terms:
    """What staff set, as far as it concerns one destination: `zone` is the one it lies in, None is none."""

    methods: tuple[Method, ...]
    zone: str | None
    calendar: Calendar
    home: Place


def queue_days(waiting: int, per_day: int | None) -> int:
    """How many working days of packing lie before a new order; 0 where the shop does not count."""
    return min(waiting // per_day, MOST_QUEUE_DAYS) if per_day else 0


def add_working_days(start: date, days: int, calendar: Calendar = PLAIN) -> date:
    """The date `days` working days after `start`."""
    day = start
    while days > 0:
        day += timedelta(days=1)
        if calendar.works(day):
            days -= 1
    return day


def packed_on(calendar: Calendar, now: datetime) -> date:
    """The working day on which an order of this moment is packed.

    Before the cut-off of a working day it counts for that day, else for the next one; handling and queue come on top.
    """
    zone = ZoneInfo(calendar.timezone)
    today = now.astimezone(zone).date()
    # As moments: by the clock on the wall an hour comes twice in autumn, and the window would go back.
    cut_off = datetime.combine(today, calendar.cut_off, tzinfo=zone).astimezone(UTC)
    wait = calendar.handling_days + calendar.queue_days
    in_time = calendar.works(today) and now.astimezone(UTC) < cut_off
    return add_working_days(today, wait if in_time else wait + 1, calendar)


def price_of(method: Method, parcel: Parcel) -> int:
    """The method's price for a parcel, in minor units."""
    if method.free_from_minor is not None and parcel.value_minor >= method.free_from_minor:
        return 0
    measure = parcel.weight_grams if method.priced_by == "weight" else parcel.value_minor
    begun = [] if method.priced_by == "flat" else [b for b in method.bands if b.starts_at <= measure]
    return max(begun, key=lambda b: b.starts_at).price_minor if begun else method.price_minor


def serves(method: Method, parcel: Parcel, zone: str | None) -> bool:
    """Whether the method is offered for a parcel into a zone."""
    return (
        method.zone in (None, zone)
        and _within(parcel.weight_grams, method.min_weight_grams, method.max_weight_grams)
        and _within(parcel.value_minor, method.min_value_minor, method.max_value_minor)
    )


def _within(measure: int, least: int, most: int | None) -> bool:
    return least <= measure and (most is None or measure <= most)


def offer(method: Method, parcel: Parcel, now: datetime, calendar: Calendar = PLAIN) -> Offer:
    """The method's price for this parcel and its window counted from `now`."""
    packed = packed_on(calendar, now)
    return Offer(
        code=method.code,
        name=method.name,
        price_minor=price_of(method, parcel),
        deliver_from=add_working_days(packed, method.min_days, calendar),
        deliver_to=add_working_days(packed, method.max_days, calendar),
        kind=method.kind,
        note=method.note,
        free_from_minor=method.free_from_minor,
    )


def offers(terms: Terms, parcel: Parcel, now: datetime) -> list[Offer]:
    """Every method that serves the parcel where it goes, in display order."""
    return [offer(m, parcel, now, terms.calendar) for m in terms.methods if serves(m, parcel, terms.zone)]


def choose(made: Sequence[Offer], code: str) -> Offer:
    """The offer with this code. Raises Invalid, naming the possible ones."""
    for candidate in made:
        if candidate.code == code:
            return candidate
    if not made:
        raise Invalid({"shipping_method": ["Nothing can be sent to this address."]})
    possible = ", ".join(o.code for o in made)
    raise Invalid({"shipping_method": [f"Not offered for this cart; possible: {possible}."]})


def sorted_bands(bands: Iterable[Band]) -> tuple[Band, ...]:
    """Bands as they are kept. Raises Invalid where two begin at once."""
    found = sorted(bands, key=lambda b: b.starts_at)
    if len({b.starts_at for b in found}) < len(found):
        raise Invalid({"bands": ["Two bands begin at the same point."]})
    return tuple(found)
