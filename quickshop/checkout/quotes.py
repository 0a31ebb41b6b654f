"""The quote: what a cart costs with one way of shipping. Pure, in minor units; lines always sum to the total."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from quickshop.cart.queries import CartLine
from quickshop.checkout.taxing import Taxed, tax_line_documents, taxed
from quickshop.checkout.terms import Terms
from quickshop.kernel.money import money
from quickshop.orders.placing import NewLine
from quickshop.shipping.rules import Offer, Parcel, offers


@dataclass(frozen=True)
class Totals:
    """The sums of a quote: total = subtotal - discount + shipping + tax.

    `tax` comes on top of prices without tax; with prices that include it, it is 0 and `tax_included` says how much of
    the total is tax.
    """

    currency: str
    subtotal: int
    discount: int
    shipping: int
    tax: int
    total: int
    tax_included: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The API's form."""
        names = ("subtotal", "discount", "shipping", "tax", "tax_included", "total")
        return {name: money(getattr(self, name), self.currency) for name in names}


@dataclass(frozen=True)
class Priced:
    """A cart's price with one way of shipping, or none chosen yet."""

    lines: list[NewLine]
    shipping: Offer | None
    totals: Totals
    taxed: Taxed
    freight_off: int = 0  # what a discount takes off shipping, before an exemption from tax

    @property
    def tax_lines(self) -> list[dict[str, Any]]:
        """What each rate of tax comes to, as the API tells it."""
        return tax_line_documents(self.taxed.by_rate, self.totals.currency, included=self.taxed.included)


def lines_of(cart: Sequence[CartLine]) -> list[NewLine]:
    """The cart's items as they would be bought now."""
    return [
        NewLine(
            variant_id=item.variant_id,
            sku=item.sku,
            name=item.name,
            options=item.options,
            quantity=item.quantity,
            unit_price_minor=item.unit_price_minor,
            total_minor=item.quantity * item.unit_price_minor,
            tax_class=item.tax_class,
        )
        for item in cart
    ]


def ways(cart: Sequence[CartLine], lines: Sequence[NewLine], terms: Terms, now: datetime) -> list[Offer]:
    """The ways of shipping this cart, by its weight and by its value after discounts."""
    parcel = Parcel(
        weight_grams=sum(item.quantity * item.weight_grams for item in cart),
        value_minor=sum(line.total_minor for line in lines),
    )
    return offers(terms.shipping, parcel, now)


def price(
    lines: Sequence[NewLine], currency: str, shipping: Offer | None, terms: Terms, freight_off: int = 0
) -> Priced:
    """The price of these lines, discounted already, with this way of shipping (none chosen yet: without), of which
    a discount takes `freight_off`.
    """
    place = terms.taxed_in(pickup=shipping is not None and shipping.pickup)
    freight = shipping.price_minor if shipping else 0
    found = taxed(lines, freight - freight_off, terms.tax, place, exempt=terms.exempt)
    return Priced(found.lines, shipping, total_up(found, currency, freight, freight_off), found, freight_off)


def total_up(found: Taxed, currency: str, freight: int, freight_off: int = 0) -> Totals:
    """The sums of taxed lines with this much shipping, of which a discount takes `freight_off`."""
    subtotal = sum(line.quantity * line.unit_price_minor for line in found.lines)
    discount = sum(line.discount_minor for line in found.lines) + found.exempt_shipping + freight_off
    on_top, included = (0, found.tax) if found.included else (found.tax, 0)
    total = subtotal - discount + freight + on_top
    return Totals(currency, subtotal, discount, freight, on_top, total, included)
