"""What is owed in tax: which rates hold in a place, and how a line's tax is rounded so that lines sum. Pure.

Rates are whole millionths, so 8.875 % is 88,750 and nothing is a float. Each line is rounded on its own, half up to a
minor unit, and shared among its rates by largest remainder: lines and rates sum to the same total, in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from quickshop.accounts.places import Place
from quickshop.kernel.errors import Invalid
from quickshop.kernel.money import allocate

WHOLE = 1_000_000
STANDARD = "standard"


@dataclass(frozen=True, order=True)
class Rate:
    """A rate in millionths. A region's comes on top of its country's, or in place of them where it `replaces`."""

    country: str
    region: str
    name: str
    millionths: int
    tax_class: str = STANDARD
    replaces: bool = False


@dataclass(frozen=True)
class Terms:
    """How the shop taxes, and the rates of the places in question."""

    prices_include_tax: bool = True
    shipping_class: str = STANDARD
    rates: tuple[Rate, ...] = ()


@dataclass(frozen=True)
class Charge:
    """The tax of one amount: in all, by rate, and the rates' sum in millionths. All 0 where nothing is owed."""

    minor: int = 0
    millionths: int = 0
    parts: tuple[tuple[Rate, int], ...] = field(default=())


NOTHING = Charge()


@dataclass(frozen=True)
class TaxLine:
    """What a rate comes to: on `taxable_minor` without tax, `minor` of tax."""

    rate: Rate
    taxable_minor: int
    minor: int


def rates_in(rates: Iterable[Rate], place: Place, tax_class: str) -> list[Rate]:
    """The rates of a class in a place, in an order of their own."""
    found = sorted(r for r in rates if r.tax_class == tax_class and r.country == place.country)
    regional = [r for r in found if r.region and r.region == place.region]
    national = [] if any(r.replaces for r in regional) else [r for r in found if not r.region]
    return national + regional


def charge(amount: int, rates: Sequence[Rate], *, included: bool) -> Charge:
    """The tax contained in an amount, or owed on top of it, in minor units; half up."""
    millionths = sum(r.millionths for r in rates)
    if not millionths:
        return NOTHING
    base = WHOLE + millionths if included else WHOLE
    minor = (2 * amount * millionths + base) // (2 * base)
    shares = allocate(minor, [r.millionths for r in rates])
    return Charge(minor, millionths, tuple(zip(rates, shares, strict=True)))


def tax_lines(charged: Iterable[tuple[int, Charge]], *, included: bool) -> list[TaxLine]:
    """What each rate comes to over all (amount, charge), in the rates' order."""
    sums: dict[Rate, tuple[int, int]] = {}
    for amount, found in charged:
        taxable = amount - found.minor if included else amount
        for rate, minor in found.parts:
            before = sums.get(rate, (0, 0))
            sums[rate] = (before[0] + taxable, before[1] + minor)
    return [TaxLine(rate, *sums[rate]) for rate in sorted(sums)]


def percent(millionths: int) -> str:
    """A rate as people write it: "8.875" of 88,750."""
    return format((Decimal(millionths) / 10_000).normalize(), "f")


def millionths_of(text: str) -> int:
    """A rate in millionths from percent as people write it. Raises Invalid."""
    try:
        exact = Decimal(text.strip()) * 10_000
    except InvalidOperation:
        raise Invalid({"rate": ["A rate is a number of percent such as 8.875."]}) from None
    if not exact.is_finite() or exact != exact.to_integral_value() or not 0 <= exact <= WHOLE:
        raise Invalid({"rate": ["A rate is 0 to 100 percent with at most four decimals."]})
    return int(exact)


def by_class(rates: Iterable[Rate], place: Place, classes: Iterable[str]) -> Mapping[str, list[Rate]]:
    """The rates of each of these classes in a place."""
    known = tuple(rates)
    return {name: rates_in(known, place, name) for name in set(classes)}
