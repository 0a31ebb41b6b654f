"""The quote's tax: on each line after its discounts and on shipping. Pure, in minor units; lines sum to the total."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from quickshop.accounts.places import Place
from quickshop.kernel.money import money
from quickshop.orders.placing import NewLine
from quickshop.tax.rules import NOTHING, Charge, Rate, TaxLine, Terms, charge, percent, rates_in, tax_lines


@dataclass(frozen=True)
class Taxed:
    """Lines with their tax, shipping's tax, what each rate comes to, and what an exemption takes off shipping.

    `included` says whether all of it is contained in the prices. Under such prices an exempt buyer's contained tax is
    a discount: of each line, where it stands in `exempt_minor` beside those before, and of shipping.
    """

    lines: list[NewLine]
    shipping_tax: int
    by_rate: list[TaxLine]
    included: bool
    exempt_lines: tuple[int, ...] = ()
    exempt_shipping: int = 0

    @property
    def tax(self) -> int:
        """All tax, in minor units."""
        return sum(line.tax_minor for line in self.lines) + self.shipping_tax

    @property
    def exempt_minor(self) -> int:
        """All that the exemption takes off."""
        return sum(self.exempt_lines) + self.exempt_shipping


def taxed(lines: Sequence[NewLine], shipping: int, terms: Terms, place: Place, *, exempt: bool) -> Taxed:
    """Tax these lines and this much shipping (both after discounts) as it is owed in a place."""
    rates: dict[str, list[Rate]] = {
        name: rates_in(terms.rates, place, name) for name in {*(line.tax_class for line in lines), terms.shipping_class}
    }
    of = partial(charge, included=terms.prices_include_tax)
    charges = [of(line.total_minor, rates[line.tax_class]) for line in lines]
    freight = of(shipping, rates[terms.shipping_class])
    if exempt:
        return _exempted(lines, charges, freight, included=terms.prices_include_tax)
    charged = [*zip((line.total_minor for line in lines), charges, strict=True), (shipping, freight)]
    return Taxed(
        [
            replace(line, tax_minor=found.minor, tax_rate=found.millionths, tax_included=terms.prices_include_tax)
            for line, found in zip(lines, charges, strict=True)
        ],
        freight.minor,
        tax_lines(charged, included=terms.prices_include_tax),
        terms.prices_include_tax,
    )


def _exempted(lines: Sequence[NewLine], charges: Sequence[Charge], freight: Charge, *, included: bool) -> Taxed:
    taken = [found.minor if included else 0 for found in charges]
    freed = [
        replace(
            line,
            discount_minor=line.discount_minor + off,
            total_minor=line.total_minor - off,
            tax_minor=NOTHING.minor,
            tax_rate=NOTHING.millionths,
            tax_included=included,
        )
        for line, off in zip(lines, taken, strict=True)
    ]
    return Taxed(freed, 0, [], included, tuple(taken), freight.minor if included else 0)


def tax_line_documents(by_rate: Sequence[TaxLine], currency: str, *, included: bool) -> list[dict[str, Any]]:
    """What each rate comes to, as the API tells it; `rate` is percent."""
    return [
        {
            "name": line.rate.name,
            "country": line.rate.country,
            "region": line.rate.region,
            "rate": percent(line.rate.millionths),
            "taxable": money(line.taxable_minor, currency),
            "tax": money(line.minor, currency),
            "included": included,
        }
        for line in by_rate
    ]
