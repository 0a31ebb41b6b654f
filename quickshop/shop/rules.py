"""What staff can set, what it means, its bounds, and what it is where they set nothing. Pure.

Two profiles have the defaults of risk: `strict`, and `demo` for a shop in which hundreds of buyers share one address,
one device and one card.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from quickshop.kernel.errors import Invalid
from quickshop.security.fraud import COUNTED, Policy, Rule, Weight
from quickshop.shop.details import check_details
from quickshop.shop.returning import check_returns

MOST_POINTS = 1000
MOST_COUNT = 10_000
MOST_MINUTES = 7 * 24 * 60
LARGEST_AMOUNT = 10**12

RISK, HIGH_VALUE, VIP_SPEND, DETAILS = "risk", "high-value", "vip-spend", "shop-details"
RETURNS = "returns"

_STRICT = {
    Rule.ACCOUNT: Weight(25, 5, 60),
    Rule.CARD: Weight(30, 3, 60),
    Rule.ADDRESS: Weight(20, 5, 1440),
    Rule.DEVICE: Weight(25, 8, 60),
    Rule.COUNTRIES: Weight(25),
    Rule.NEW_AND_DEAR: Weight(35),
    Rule.DECLINES: Weight(35, 3, 1440),
}
_DEMO = {
    **_STRICT,
    Rule.ACCOUNT: Weight(25, 300, 60),
    Rule.CARD: Weight(30, 3, 60, on=False),
    Rule.ADDRESS: Weight(20, 5, 1440, on=False),
    Rule.DEVICE: Weight(25, 8, 60, on=False),
    Rule.COUNTRIES: Weight(15),
    Rule.NEW_AND_DEAR: Weight(20),
    Rule.DECLINES: Weight(30, 50, 1440),
}
POLICIES = {
    "strict": Policy(_STRICT, confirm_from=40, review_from=70),
    "demo": Policy(_DEMO, confirm_from=100, review_from=130),
}

_BOUNDS = {
    "confirm_from": (1, 10 * MOST_POINTS),
    "review_from": (1, 10 * MOST_POINTS),
    "new_account_hours": (0, 8760),
    "confirm_hours": (1, 720),
    "review_hours": (1, 720),
}


@dataclass(frozen=True)
class Definition:
    """A setting: its name, what it is about, and the check that gives the value as it is kept. Raises Invalid."""

    name: str
    about: str
    check: Callable[[Mapping[str, Any]], dict[str, Any]]
    prose: bool = False  # words of staff, which the audit log does not repeat


def policy_document(policy: Policy) -> dict[str, Any]:
    """A policy as it is kept and shown."""
    return {
        "confirm_from": policy.confirm_from,
        "review_from": policy.review_from,
        "new_account_hours": policy.new_account_hours,
        "confirm_hours": policy.confirm_hours,
        "review_hours": policy.review_hours,
        "rules": {
            str(rule): {"on": w.on, "points": w.points}
            | ({"limit": w.limit, "minutes": w.minutes} if rule in COUNTED else {})
            for rule, w in policy.weights.items()
        },
    }


def policy_of(document: Mapping[str, Any]) -> Policy:
    """The policy that `policy_document` wrote."""
    weights = {
        Rule(name): Weight(w["points"], w.get("limit", 0), w.get("minutes", 0), w["on"])
        for name, w in document["rules"].items()
    }
    return Policy(weights, **{name: document[name] for name in _BOUNDS})


def _whole(errors: dict[str, list[str]], path: str, value: Any, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        errors[path] = [f"A whole number from {least} to {most}."]
        return least
    return value


def check_risk(value: Mapping[str, Any]) -> dict[str, Any]:
    """The rules of risk, whole. Raises Invalid with every field that is wrong."""
    errors: dict[str, list[str]] = {}
    for name in value.keys() - {*_BOUNDS, "rules"}:
        errors[name] = ["Unknown field."]
    known = value.get("rules")
    rules = known if isinstance(known, Mapping) else {}
    for name in rules.keys() - {str(rule) for rule in Rule}:
        errors[f"rules.{name}"] = ["Unknown rule."]
    found: dict[str, Any] = {
        **{name: _whole(errors, name, value.get(name), *bounds) for name, bounds in _BOUNDS.items()},
        "rules": {str(rule): _rule(errors, rule, rules.get(str(rule))) for rule in Rule},
    }
    if not errors and found["review_from"] < found["confirm_from"]:
        errors["review_from"] = ["Not below confirm_from."]
    if errors:
        raise Invalid(errors)
    return found


def _rule(errors: dict[str, list[str]], rule: Rule, given: Any) -> dict[str, Any]:
    path = f"rules.{rule}"
    if not isinstance(given, Mapping) or not isinstance(given.get("on"), bool):
        errors[path] = ["Say {on, points} of this rule, and {limit, minutes} where it counts."]
        return {}
    wanted = {"on", "points"} | ({"limit", "minutes"} if rule in COUNTED else set())
    for name in given.keys() - wanted:
        errors[f"{path}.{name}"] = ["Unknown field."]
    kept: dict[str, Any] = {
        "on": given["on"],
        "points": _whole(errors, f"{path}.points", given.get("points"), 0, MOST_POINTS),
    }
    if rule in COUNTED:
        kept["limit"] = _whole(errors, f"{path}.limit", given.get("limit"), 1, MOST_COUNT)
        kept["minutes"] = _whole(errors, f"{path}.minutes", given.get("minutes"), 1, MOST_MINUTES)
    return kept


def check_amounts(value: Mapping[str, Any]) -> dict[str, Any]:
    """Minor units by currency. Raises Invalid."""
    errors: dict[str, list[str]] = {}
    found = {}
    for currency, amount in value.items():
        if not (len(currency) == 3 and currency.isascii() and currency.isupper() and currency.isalpha()):
            errors[currency] = ["Not an ISO 4217 code."]
        else:
            found[currency] = _whole(errors, currency, amount, 1, LARGEST_AMOUNT)
    if errors:
        raise Invalid(errors)
    return found


DEFINITIONS = {
    d.name: d
    for d in (
        Definition(RISK, "What makes an order risky, and from how many points on it waits", check_risk),
        Definition(HIGH_VALUE, "From which total an order is of high value, in minor units by currency", check_amounts),
        Definition(VIP_SPEND, "From which lifetime spend a customer is VIP, in minor units by currency", check_amounts),
        Definition(DETAILS, "Who the shop is on its invoices, and how these are numbered", check_details, prose=True),
        Definition(RETURNS, "Until when something may come back, and what happens by itself", check_returns),
    )
}


def told(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What the audit log says of a change: what was and what is, or only which fields where staff wrote words."""
    if not DEFINITIONS[name].prose:
        return {"before": before, "after": after}
    return {"changed": sorted(field for field in after if after[field] != before.get(field))}
