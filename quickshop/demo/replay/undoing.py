"""Which purchases the cancellations of a file undo: the latest sale of the same thing to the same customer first.

An undo of everything that an order holds cancels it; any other returns some of its units. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from quickshop.demo.replay.invoices import Purchase
from quickshop.demo.replay.reading import Line

NO_CUSTOMER = "names no customer"
NO_SALE = "no earlier sale of it to this customer"


@dataclass(frozen=True)
class Undo:
    """What one cancelling invoice takes back of one purchase. `whole`: all of it, of which nothing went back before."""

    reference: str
    invoice: str
    at: datetime
    customer: str
    purchase: Purchase
    units: Mapping[str, int]
    whole: bool

    @property
    def day(self) -> date:
        """The file's day, which it counts for."""
        return self.at.date()

    @property
    def caller(self) -> str:
        """Who takes it back: it follows their purchases strictly."""
        return self.purchase.caller


@dataclass(frozen=True)
class Unmatched:
    """A cancelling line, or the units of it, that undoes nothing we bought, and why."""

    line: Line
    units: int
    why: str


def match(cancelling: Iterable[Line], bought: Sequence[Purchase]) -> tuple[list[Undo], list[Unmatched]]:
    """The undos in time order, and what undoes nothing."""
    left = {p.reference: dict(p.units) for p in bought}
    by_customer: dict[str, list[Purchase]] = {}
    for purchase in bought:
        if purchase.customer:
            by_customer.setdefault(purchase.customer, []).append(purchase)
    undos: list[Undo] = []
    unmatched: list[Unmatched] = []
    for lines in _by_invoice(cancelling):
        taken, missed = _take(lines, by_customer, left)
        undos += [_undo(lines[0], purchase, units, left) for purchase, units in taken]
        unmatched += missed
    return sorted(undos, key=lambda u: u.at), unmatched


def _by_invoice(cancelling: Iterable[Line]) -> list[list[Line]]:
    found: dict[str, list[Line]] = {}
    for line in cancelling:
        found.setdefault(line.invoice, []).append(line)
    return sorted(found.values(), key=lambda lines: min(line.at for line in lines))


def _take(
    lines: Sequence[Line], by_customer: Mapping[str, Sequence[Purchase]], left: dict[str, dict[str, int]]
) -> tuple[list[tuple[Purchase, dict[str, int]]], list[Unmatched]]:
    taken: dict[str, tuple[Purchase, dict[str, int]]] = {}
    missed = []
    for line in lines:
        wanted = -line.quantity
        earlier = [p for p in by_customer.get(line.customer, ()) if p.at <= line.at]
        for purchase in sorted(earlier, key=lambda p: p.at, reverse=True):
            units = min(wanted, left[purchase.reference].get(line.code, 0))
            if units:
                left[purchase.reference][line.code] -= units
                _, held = taken.setdefault(purchase.reference, (purchase, {}))
                held[line.code] = held.get(line.code, 0) + units
                wanted -= units
        if wanted:
            missed.append(Unmatched(line, wanted, NO_SALE if line.customer else NO_CUSTOMER))
    return list(taken.values()), missed


def _undo(line: Line, purchase: Purchase, units: Mapping[str, int], left: Mapping[str, Mapping[str, int]]) -> Undo:
    whole = dict(units) == dict(purchase.units) and not any(left[purchase.reference].values())
    reference = f"{line.invoice} of {purchase.reference}"
    return Undo(reference, line.invoice, line.at, line.customer, purchase, units, whole)
