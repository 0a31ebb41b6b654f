"""From sale lines to what is bought: an invoice, in as many purchases as a cart has room for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from quickshop.demo.replay.reading import Line

# What a cart of the shop takes. A test keeps them equal to the shop's own: to import those would load its server.
LARGEST_QUANTITY = 9999
MOST_ITEMS = 500


@dataclass(frozen=True)
class Invoice:
    """An invoice that is bought: units by product code, in the order of its lines. `customer` None is a guest.

    `at` is the time of its first line; all of its lines count for that day.
    """

    number: str
    at: datetime
    customer: str | None
    country: str
    units: Mapping[str, int]


@dataclass(frozen=True)
class Purchase:
    """One cart to fill and order: an invoice, or the part of it that fits. `reference` is the client_reference."""

    reference: str
    invoice: str
    at: datetime
    customer: str | None
    country: str
    units: Mapping[str, int]

    @property
    def day(self) -> date:
        """The file's day, which it counts for."""
        return self.at.date()

    @property
    def caller(self) -> str:
        """Who buys; one caller's purchases follow each other strictly."""
        return f"customer {self.customer}" if self.customer else f"guest {self.invoice}"


def invoices(sales: Iterable[Line]) -> list[Invoice]:
    """The invoices of these lines in time order; the same product twice in one adds up."""
    lines: dict[str, list[Line]] = {}
    for line in sales:
        lines.setdefault(line.invoice, []).append(line)
    found = [_invoice(number, of_it) for number, of_it in lines.items()]
    return sorted(found, key=lambda invoice: invoice.at)


def _invoice(number: str, lines: Sequence[Line]) -> Invoice:
    units: dict[str, int] = {}
    for line in lines:
        units[line.code] = units.get(line.code, 0) + line.quantity
    return Invoice(
        number=number,
        at=min(line.at for line in lines),
        customer=next((line.customer for line in lines if line.customer), None),
        country=next((line.country for line in lines if line.country), ""),
        units=units,
    )


def purchases(of: Iterable[Invoice], prefix: str = "") -> list[Purchase]:
    """What is bought, in time order. An invoice with more than a cart holds is bought in parts `…/2`, `…/3`."""
    found = []
    for invoice in of:
        for part, units in enumerate(_carts(invoice.units), 1):
            reference = f"{prefix}{invoice.number}" + (f"/{part}" if part > 1 else "")
            found.append(Purchase(reference, invoice.number, invoice.at, invoice.customer, invoice.country, units))
    return found


def _carts(units: Mapping[str, int]) -> list[dict[str, int]]:
    """Spread units over as few carts as hold them, each with up to MOST_ITEMS items of up to LARGEST_QUANTITY."""
    carts: list[dict[str, int]] = []
    for code, wanted in units.items():
        left = wanted
        for cart in carts:
            if left and len(cart) < MOST_ITEMS:
                cart[code] = min(left, LARGEST_QUANTITY)
                left -= cart[code]
        while left:
            carts.append({code: min(left, LARGEST_QUANTITY)})
            left -= carts[-1][code]
    return carts
