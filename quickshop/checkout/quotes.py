"""The quote: what a cart costs with one way of shipping. Pure, in minor units; lines always sum to the total."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from quickshop.cart.queries import CartLine
from quickshop.kernel.money import money
from quickshop.orders.placing import NewLine
from quickshop.shipping.rules import Offer


@dataclass(frozen=True)
class Totals:
    """The sums of a quote: total = subtotal - discount + shipping + tax. Prices include tax, so `tax` is 0."""

    currency: str
    subtotal: int
    discount: int
    shipping: int
    tax: int
    total: int

    def as_dict(self) -> dict[str, Any]:
        """The API's form."""
        names = ("subtotal", "discount", "shipping", "tax", "total")
        return {name: money(getattr(self, name), self.currency) for name in names}


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
        )
        for item in cart
    ]


def total_up(lines: Sequence[NewLine], currency: str, shipping: Offer | None) -> Totals:
    """The sums of these lines with this way of shipping (none chosen yet: without)."""
    subtotal = sum(line.quantity * line.unit_price_minor for line in lines)
    discount = sum(line.discount_minor for line in lines)
    freight = shipping.price_minor if shipping else 0
    return Totals(currency, subtotal, discount, freight, 0, subtotal - discount + freight)
