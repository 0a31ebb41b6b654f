"""What promotions take off a cart. Pure, in minor units.

The rule of combination: exclusive promotions compete, each alone, with all combinable ones taken together; what takes
most off the items wins, the combinable ones where nothing takes more, then the smaller priority and id. Combinable ones
are taken in the order of priority and id, each on what those before it left. Free shipping takes nothing off the items:
it comes on top of combinable ones, and an exclusive one only where nothing else takes anything off.

The order of the lines changes nothing: they are taken in the order of their keys. A promotion's amount is rounded once,
half up, and shared over its lines by what is left of them, by largest remainder (kernel.money.allocate), so that no
minor unit is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from quickshop.kernel.money import allocate, round_minor
from quickshop.promotions.rules import ALL_OF_IT, BuyerFacts, Discount, Item, Kind, Promotion, about, unmet


def discounts(items: Iterable[Item], promotions: Iterable[Promotion], buyer: BuyerFacts) -> list[Discount]:
    """The discounts of a cart, in the order in which they were taken."""
    lines = sorted(items, key=lambda item: item.key)
    known = sorted((p for p in promotions if unmet(p, lines, buyer) is None), key=lambda p: p.order)
    combined = _taken_in_turn(lines, [p for p in known if not p.exclusive])
    best = [d for d in combined if not d.shipping]
    most = sum(d.amount_minor for d in best)
    free = [d for d in combined if d.shipping][:1]
    alone = None
    for promotion in known:
        if not promotion.exclusive:
            continue
        [*found] = _taken_in_turn(lines, [promotion])
        if found and sum(d.amount_minor for d in found) > most:
            alone, most = found, found[0].amount_minor
        elif found and found[0].shipping and not best and not free and alone is None:
            free = found
    return alone if alone is not None else [*best, *free]


def _taken_in_turn(items: Sequence[Item], promotions: Sequence[Promotion]) -> list[Discount]:
    left = {item.key: item.amount_minor for item in items}
    found = []
    for promotion in promotions:
        taken = _taken(promotion, [item for item in items if about(promotion, item)], left)
        for key, amount in taken.items():
            left[key] -= amount
        if taken or promotion.kind is Kind.FREE_SHIPPING:
            shipping = promotion.kind is Kind.FREE_SHIPPING
            found.append(Discount(promotion.id, str(promotion.kind), promotion.label, promotion.code, taken, shipping))
    return found


def _taken(promotion: Promotion, items: Sequence[Item], left: Mapping[str, int]) -> dict[str, int]:
    """What a promotion takes off each line, never more than is left of it; lines of which it takes nothing are out."""
    if promotion.kind is Kind.FREE_SHIPPING:
        return {}
    if promotion.kind is Kind.BUY_X_GET_Y:
        return _cheapest_off(promotion, items, left)
    open_ = [left[item.key] for item in items]
    whole = sum(open_)
    if promotion.kind is Kind.FIXED:
        amount = min(promotion.amount_minor or 0, whole)
    else:
        amount = _share(whole, promotion.rate if promotion.kind is Kind.PERCENT else _tier_rate(promotion, items))
    shares = allocate(amount, open_) if whole else []
    return {item.key: share for item, share in zip(items, shares, strict=False) if share}


def _share(amount: int, rate: int) -> int:
    return round_minor(Decimal(amount) * rate / ALL_OF_IT)


def _tier_rate(promotion: Promotion, items: Sequence[Item]) -> int:
    """The rate of the highest tier that the items reach before discounts."""
    amount = sum(item.amount_minor for item in items)
    return max((tier.rate for tier in promotion.tiers if amount >= tier.from_minor), default=0)


def _cheapest_off(promotion: Promotion, items: Sequence[Item], left: Mapping[str, int]) -> dict[str, int]:
    """Of every `buy + get` units the `get` cheapest at the promotion's rate off: the cheapest of all units first."""
    units = sum(item.quantity for item in items)
    cheap = units // (promotion.buy + promotion.get) * promotion.get
    taken: dict[str, int] = {}
    for item in sorted(items, key=lambda item: (item.unit_price_minor, item.key)):
        count = min(cheap, item.quantity)
        cheap -= count
        amount = min(_share(count * item.unit_price_minor, promotion.rate), left[item.key])
        if amount:
            taken[item.key] = amount
    return taken
