"""The quote's discounts and what pays a part of it: from the cart's codes, promotions in force and credit. Mostly pure.

Discounts are allocated to lines by their variant, so that the order of lines changes nothing; a discount of shipping
is all of what shipping costs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from quickshop.cart.codes import CARD
from quickshop.cart.refs import CartRef
from quickshop.kernel.money import money
from quickshop.orders.placing import NewLine
from quickshop.promotions.engine import discounts
from quickshop.promotions.queries import Terms, in_force
from quickshop.promotions.rules import Discount, Item, unmet
from quickshop.promotions.service import share_out

_WHY = {
    "not_for_you": "It is for other customers.",
    "first_order_only": "It is for the first order of a member.",
    "nothing_it_is_about": "Nothing in the cart is part of it.",
    "not_in_this_currency": "It does not exist in this currency.",
    "minimum_not_reached": "The cart is worth too little for it.",
    "too_few": "There are too few items for it.",
    "another_is_better": "It cannot be combined, and you already get the better offer.",
    "not_in_force": "It cannot be used any more.",
}


@dataclass(frozen=True)
class Offers:
    """What promotions take off a cart, and how much each code on it does. `currency` is the cart's."""

    terms: Terms
    found: Sequence[Discount]
    currency: str
    refused: Mapping[str, str] = field(default_factory=dict)  # codes of promotions, and why they take nothing off

    @property
    def free_shipping(self) -> Discount | None:
        """The discount that takes off what shipping costs, where there is one."""
        return next((d for d in self.found if d.shipping), None)

    def used(self) -> dict[UUID, str | None]:
        """The promotions of which an order's use is written down, with the code that each was asked for by."""
        return {d.promotion_id: d.code for d in self.found if d.promotion_id in self.terms.counted}

    def paid_by(self, total_minor: int) -> dict[UUID, int]:
        """What each gift card and the store credit pay of a total."""
        return share_out(total_minor, [(purse.id, purse.balance_minor) for purse in self.terms.purses])

    def taken_off(self, freight_minor: int) -> int:
        """What comes off shipping that costs so much."""
        return freight_minor if self.free_shipping else 0

    def documents(self, freight_minor: int = 0) -> list[dict[str, Any]]:
        """The discounts as the API tells them, in the order in which they were taken."""
        return [
            {
                "rule": d.rule,
                "label": d.label,
                "code": d.code,
                "target": "shipping" if d.shipping else "lines",
                "amount": money(freight_minor if d.shipping else d.amount_minor, self.currency),
                "lines": [
                    {"variant_id": variant, "amount": money(amount, self.currency)}
                    for variant, amount in d.lines.items()
                ],
            }
            for d in self.found
        ]

    def coupons(self, total_minor: int, freight_minor: int = 0) -> list[dict[str, Any]]:
        """The codes on the cart, each with what it takes off or pays, or why it does not."""
        parts = self.paid_by(total_minor)
        told = []
        for asked in self.terms.asked:
            if asked.credit_id is not None:
                amount = parts.get(asked.credit_id, 0)
                usable = any(purse.id == asked.credit_id for purse in self.terms.purses)
                why = None if usable else "not_in_this_currency" if asked.currency != self.currency else "not_in_force"
            else:
                mine = [d for d in self.found if d.code == asked.code]
                amount = sum(freight_minor if d.shipping else d.amount_minor for d in mine)
                why = None if mine else self.refused.get(asked.code, "not_in_force")
            told.append(
                {
                    "code": asked.code.removeprefix(CARD),
                    "kind": "gift_card" if asked.credit_id else "promotion",
                    "applied": why is None,
                    "reason": why,
                    "detail": _WHY[why] if why else None,
                    "amount": money(amount, self.currency),
                }
            )
        return told

    def credit(self, total_minor: int) -> dict[str, Any]:
        """What the shop owes the member in this currency, whether it shall pay, and how much it pays of a total."""
        parts = self.paid_by(total_minor)
        paid = sum(parts.get(purse.id, 0) for purse in self.terms.purses if purse.kind == "store_credit")
        return {
            "balance": money(self.terms.credit_minor, self.currency),
            "used": self.terms.uses_credit,
            "pays": money(paid, self.currency),
        }


def offers_for(
    ref: CartRef, prices: Mapping[UUID, tuple[int, int]], currency: str, caller: str | None = None
) -> Offers:
    """What is taken off a cart now, given as {variant: (quantity, unit price)}, in one statement."""
    whose = f"user:{ref.user_id}" if ref.user_id else caller
    terms = in_force(ref.id, currency=currency, user_id=ref.user_id, variants=prices, caller=whose)
    return worked_out(terms, prices, currency)


def worked_out(terms: Terms, prices: Mapping[UUID, tuple[int, int]], currency: str) -> Offers:
    """What these terms take off. Pure."""
    items = [_item(terms, variant, quantity, price) for variant, (quantity, price) in prices.items()]
    found = discounts(items, terms.promotions, terms.buyer)
    taken = {d.promotion_id for d in found}
    refused = {
        p.code: unmet(p, items, terms.buyer) or "another_is_better"
        for p in terms.promotions
        if p.code is not None and p.id not in taken
    }
    return Offers(terms, found, currency, refused)


def _item(terms: Terms, variant: UUID, quantity: int, price: int) -> Item:
    product, categories = terms.scopes.get(str(variant), (variant, frozenset()))
    return Item(str(variant), product, categories, quantity, price)


def discounted(lines: Sequence[NewLine], found: Sequence[Discount]) -> list[NewLine]:
    """The lines with what was taken off them."""
    off: dict[str, int] = {}
    for discount in found:
        for key, amount in discount.lines.items():
            off[key] = off.get(key, 0) + amount
    return [_less(line, off.get(str(line.variant_id), 0)) for line in lines]


def _less(line: NewLine, off: int) -> NewLine:
    if not off:
        return line
    return replace(line, discount_minor=line.discount_minor + off, total_minor=line.total_minor - off)


def rows(
    found: Sequence[Discount], lines: Sequence[NewLine], freight_off: int, exempt: Sequence[int], exempt_shipping: int
) -> list[dict[str, Any]]:
    """The order's discounts, one row for each rule and line (from 1; 0 is shipping), the tax exemption last."""
    places = {str(line.variant_id): place for place, line in enumerate(lines, 1)}
    written: list[dict[str, Any]] = []
    for position, d in enumerate(found, 1):
        about = {"promotion_id": str(d.promotion_id), "rule": d.rule, "label": d.label, "code": d.code}
        shares = {places[key]: amount for key, amount in d.lines.items()}
        if d.shipping and freight_off:
            shares[0] = freight_off
        written += [{"position": position, "line": place, **about, "amount_minor": a} for place, a in shares.items()]
    about = {"promotion_id": None, "rule": "tax_exemption", "label": "Tax exemption", "code": None}
    for place, amount in [*enumerate(exempt, 1), (0, exempt_shipping)]:
        if amount:
            written.append({"position": len(found) + 1, "line": place, **about, "amount_minor": amount})
    return written
