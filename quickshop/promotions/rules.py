"""What a promotion is and when it applies. Pure; amounts in minor units, rates in basis points (10,000: all of it)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

ALL_OF_IT = 10_000


class Kind(StrEnum):
    """The ways in which a promotion takes something off."""

    PERCENT = "percent"  # a share of the items it is about
    FIXED = "fixed"  # an amount off the items it is about, together
    TIERED = "tiered"  # a share that grows with the amount
    BUY_X_GET_Y = "buy_x_get_y"  # of so many units the cheapest cost less or nothing
    FREE_SHIPPING = "free_shipping"


@dataclass(frozen=True)
class Item:
    """A line that is priced. `key` orders lines, whatever order they stand in; `categories` are its whole path."""

    key: str
    product_id: UUID
    categories: frozenset[UUID]
    quantity: int
    unit_price_minor: int

    @property
    def amount_minor(self) -> int:
        """What the line costs without discounts."""
        return self.quantity * self.unit_price_minor


@dataclass(frozen=True)
class BuyerFacts:
    """What promotions ask of who buys. A guest has ordered nobody knows what: `first_order` is then False."""

    segment: str | None = None
    first_order: bool = False


@dataclass(frozen=True)
class Tier:
    """From an amount on, this rate."""

    from_minor: int
    rate: int


@dataclass(frozen=True)
class Promotion:
    """A promotion as it stands, in the currency of the cart. It is in force: dates and limits were looked at.

    `amount_minor` of a fixed one and `minimum_minor` are None where none is set for the currency; a fixed one without
    an amount, or one whose minimum is set in other currencies only, does not apply. Empty scopes mean everything.
    Promotions are taken in the order of `priority`, then id. `code` is the one that was typed for it.
    """

    id: UUID
    kind: Kind
    label: str
    rate: int = 0
    amount_minor: int | None = None
    tiers: Sequence[Tier] = ()
    buy: int = 0
    get: int = 0
    minimum_minor: int | None = None
    minimum_elsewhere: bool = False
    categories: frozenset[UUID] = frozenset()
    products: frozenset[UUID] = frozenset()
    segments: frozenset[str] = frozenset()
    first_order: bool = False
    exclusive: bool = False
    priority: int = 0
    code: str | None = None

    @property
    def order(self) -> tuple[int, str]:
        """Its place among others."""
        return self.priority, str(self.id)


@dataclass(frozen=True)
class Discount:
    """What one promotion takes off: of lines by their key, of shipping whatever it costs where `shipping`."""

    promotion_id: UUID
    rule: str
    label: str
    code: str | None
    lines: Mapping[str, int] = field(default_factory=dict)
    shipping: bool = False

    @property
    def amount_minor(self) -> int:
        """What it takes off the lines together."""
        return sum(self.lines.values())


def about(promotion: Promotion, item: Item) -> bool:
    """Whether a promotion is about an item: one of its products, or below one of its categories."""
    if not promotion.products and not promotion.categories:
        return True
    return item.product_id in promotion.products or bool(promotion.categories & item.categories)


def unmet(promotion: Promotion, items: Sequence[Item], buyer: BuyerFacts) -> str | None:
    """Why a promotion does not apply, a short machine word, or None where it does."""
    if promotion.segments and buyer.segment not in promotion.segments:
        return "not_for_you"
    if promotion.first_order and not buyer.first_order:
        return "first_order_only"
    mine = [item for item in items if about(promotion, item)]
    if not mine:
        return "nothing_it_is_about"
    if promotion.minimum_elsewhere or (promotion.kind is Kind.FIXED and promotion.amount_minor is None):
        return "not_in_this_currency"
    if promotion.minimum_minor is not None and sum(item.amount_minor for item in mine) < promotion.minimum_minor:
        return "minimum_not_reached"
    if promotion.kind is Kind.BUY_X_GET_Y and sum(item.quantity for item in mine) < promotion.buy + promotion.get:
        return "too_few"
    return None


def normal_code(code: str) -> str:
    """The one spelling by which codes are compared: no blanks or hyphens around or within, upper case."""
    return "".join(c for c in code.upper() if not c.isspace() and c != "-")
