"""How risky an order is, with the reasons. Pure: `orders` tells what it saw, staff say what weighs how much.

Each rule that an order breaks adds its points; the score is their sum, so every score is explained. More of anything
never lowers it. From `confirm_from` points on the shopper is asked whether it is them, from `review_from` on staff are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Rule(StrEnum):
    """What can make an order risky."""

    ACCOUNT = "account_velocity"
    CARD = "card_velocity"
    ADDRESS = "address_velocity"
    DEVICE = "device_velocity"
    COUNTRIES = "countries_differ"
    NEW_AND_DEAR = "new_account_high_value"
    DECLINES = "many_declines"


COUNTED = (Rule.ACCOUNT, Rule.CARD, Rule.ADDRESS, Rule.DEVICE, Rule.DECLINES)

# {count} and {limit} are filled in; nothing here tells who it is about.
WORDS = {
    Rule.ACCOUNT: "{count} orders of this account within {minutes} minutes; {limit} are usual at most",
    Rule.CARD: "{count} orders with this card within {minutes} minutes; {limit} are usual at most",
    Rule.ADDRESS: "{count} orders to this address within {minutes} minutes; {limit} are usual at most",
    Rule.DEVICE: "{count} orders from this device within {minutes} minutes; {limit} are usual at most",
    Rule.DECLINES: "{count} declined payments of this account or card in {minutes} minutes; {limit} are usual at most",
    Rule.COUNTRIES: "Bill, parcel and card are of different countries",
    Rule.NEW_AND_DEAR: "A new account or a guest, and an order of high value",
}


class Decision(StrEnum):
    """What becomes of the order."""

    PASS = "pass"  # noqa: S105 - not a password
    CONFIRM = "confirm"  # the shopper says whether it is them
    REVIEW = "review"  # staff decide


@dataclass(frozen=True)
class Weight:
    """What a rule adds, more than how many within how many minutes it takes, and whether it is looked at."""

    points: int
    limit: int = 0
    minutes: int = 0
    on: bool = True


@dataclass(frozen=True)
class Policy:
    """What staff set. After `confirm_hours` and `review_hours` an order that nobody decided is cancelled."""

    weights: Mapping[Rule, Weight]
    confirm_from: int
    review_from: int  # and not below confirm_from
    new_account_hours: int = 24
    confirm_hours: int = 24
    review_hours: int = 72


@dataclass(frozen=True)
class Seen:
    """What is known of an order. `counts` has its own order in; `account_hours` is None for a guest."""

    counts: Mapping[Rule, int] = field(default_factory=dict)
    countries: frozenset[str] = frozenset()
    account_hours: float | None = None
    high_value: bool = False


@dataclass(frozen=True)
class Reason:
    """A rule that was broken, its points, and the words for staff."""

    rule: str
    points: int
    words: str


def reasons(seen: Seen, policy: Policy) -> list[Reason]:
    """Every rule that this order breaks, in the order of the rules."""
    return [
        Reason(str(rule), weight.points, _words(rule, weight, seen))
        for rule in Rule
        if (weight := policy.weights.get(rule)) and weight.on and weight.points and _broken(rule, weight, seen, policy)
    ]


def score(found: Sequence[Reason]) -> int:
    """The points together."""
    return sum(reason.points for reason in found)


def decide(points: int, policy: Policy) -> Decision:
    """What becomes of an order with this many points."""
    if points >= policy.review_from:
        return Decision.REVIEW
    return Decision.CONFIRM if points >= policy.confirm_from else Decision.PASS


def _broken(rule: Rule, weight: Weight, seen: Seen, policy: Policy) -> bool:
    if rule in COUNTED:
        return seen.counts.get(rule, 0) > weight.limit
    if rule is Rule.COUNTRIES:
        return len(seen.countries) > 1
    new = seen.account_hours is None or seen.account_hours < policy.new_account_hours
    return new and seen.high_value


def _words(rule: Rule, weight: Weight, seen: Seen) -> str:
    return WORDS[rule].format(count=seen.counts.get(rule, 0), limit=weight.limit, minutes=weight.minutes)
