"""How much of an order's money goes back, and for what. Pure: shares in minor units that always sum.

The units of a line share its price so that all of them together are worth exactly what was paid, in whatever steps
they come back; the same holds for the tax contained in what goes back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from quickshop.kernel.errors import Invalid
from quickshop.kernel.money import allocate


@dataclass(frozen=True)
class Paid:
    """What was paid for a line and what of it went back already, in units and minor units; `tax_minor` is contained."""

    id: UUID
    ordered: int
    paid_minor: int
    given_back_minor: int
    tax_minor: int
    refunded_units: int

    @property
    def left_minor(self) -> int:
        """What can still go back."""
        return self.paid_minor - self.given_back_minor


@dataclass(frozen=True)
class Share:
    """What of a refund is for one line: units (0: a part of the price alone), amount, and the tax contained in it."""

    line_id: UUID
    quantity: int
    amount_minor: int
    tax_minor: int


@dataclass(frozen=True)
class Freight:
    """What was paid for shipping and what of it went back; `tax_minor` is contained in it."""

    paid_minor: int
    given_back_minor: int
    tax_minor: int

    @property
    def left_minor(self) -> int:
        """What can still go back."""
        return self.paid_minor - self.given_back_minor


def of_units(line: Paid, quantity: int) -> Share:
    """The share of some units of a line, never more than is left of it. Raises Invalid for more than there are."""
    if not 0 < quantity <= line.ordered - line.refunded_units:
        raise Invalid({"quantity": [f"Between 1 and {line.ordered - line.refunded_units}."]})
    upto = line.paid_minor * (line.refunded_units + quantity) // line.ordered
    before = line.paid_minor * line.refunded_units // line.ordered
    return _share(line, quantity, min(upto - before, line.left_minor))


def of_amount(line: Paid, amount_minor: int, quantity: int = 0) -> Share:
    """An amount of a line's price, for units or for none. Raises Invalid for more than is left of it."""
    if not 0 <= amount_minor <= line.left_minor or quantity > line.ordered - line.refunded_units:
        raise Invalid({"amount": ["More than is left of this line."]})
    return _share(line, quantity, amount_minor)


def _share(line: Paid, quantity: int, amount_minor: int) -> Share:
    tax = contained(line.tax_minor, line.paid_minor, line.given_back_minor, amount_minor)
    return Share(line.id, quantity, amount_minor, tax)


def contained(tax_minor: int, paid_minor: int, before_minor: int, amount_minor: int) -> int:
    """The tax contained in another `amount_minor` of a price of which `before_minor` went back; half up, as a sum."""
    if not paid_minor:
        return 0

    def upto(minor: int) -> int:
        return (2 * tax_minor * minor + paid_minor) // (2 * paid_minor)

    return upto(before_minor + amount_minor) - upto(before_minor)


def of_all(lines: Sequence[Paid], freight: Freight) -> tuple[list[Share], int]:
    """Everything that is left: shares of the lines, and of shipping."""
    shares = [_share(line, line.ordered - line.refunded_units, line.left_minor) for line in lines]
    return [s for s in shares if s.amount_minor or s.quantity], freight.left_minor


def spread(lines: Sequence[Paid], freight: Freight, amount_minor: int) -> tuple[list[Share], int]:
    """An amount that is for nothing in particular: shared over all lines and shipping by what is left of them."""
    parts = allocate(amount_minor, [*(line.left_minor for line in lines), freight.left_minor])
    shares = [of_amount(line, part) for line, part in zip(lines, parts, strict=False) if part]
    return shares, parts[-1]


def tax_of(shares: Sequence[Share], freight: Freight, shipping_minor: int) -> int:
    """All tax contained in a refund."""
    of_shipping = contained(freight.tax_minor, freight.paid_minor, freight.given_back_minor, shipping_minor)
    return sum(s.tax_minor for s in shares) + of_shipping


def sources(amount_minor: int, *, card_left_minor: int, credit_left_minor: int) -> tuple[int, int]:
    """What of an amount goes to the card, and to the gift cards and credit that paid: the card first."""
    card = min(amount_minor, card_left_minor)
    return card, min(amount_minor - card, credit_left_minor)


def by_position(wanted: Mapping[int, int], ids: Mapping[int, UUID]) -> dict[UUID, int]:
    """Units by line, from units by the line's place in the order. Raises Invalid for a place that is none."""
    unknown = sorted(set(wanted) - set(ids))
    if unknown:
        raise Invalid({"lines": [f"The order has no line {unknown[0]}."]})
    return {ids[position]: quantity for position, quantity in wanted.items()}
