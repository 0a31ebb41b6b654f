"""What staff set of returns: until when something may come back, and what happens by itself. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from quickshop.kernel.errors import Invalid

MOST_DAYS = 3650


@dataclass(frozen=True)
class ReturnTerms:
    """`days` from the delivery, `fault_days` where it is the shop's fault; the others are yes or no.

    `photo_for_faults`: what is said to be broken is approved only with a picture of it. `shipping_for_faults`: where
    a whole order comes back for such a reason, its shipping is offered back too. `approve_by_itself`: nobody is asked.
    """

    days: int = 30
    fault_days: int = 180
    photo_for_faults: bool = False
    shipping_for_faults: bool = True
    approve_by_itself: bool = False


DEFAULTS = asdict(ReturnTerms())


def check_returns(value: Mapping[str, Any]) -> dict[str, Any]:
    """The terms as they are kept, whole. Raises Invalid with every field that is wrong."""
    errors: dict[str, list[str]] = {name: ["Unknown field."] for name in value.keys() - DEFAULTS.keys()}
    for name, default in DEFAULTS.items():
        given = value.get(name)
        if isinstance(default, bool):
            if not isinstance(given, bool):
                errors[name] = ["true or false."]
        elif isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= MOST_DAYS:
            errors[name] = [f"A whole number of days, {MOST_DAYS} at most."]
    if not errors and value["fault_days"] < value["days"]:
        errors["fault_days"] = ["Not below days."]
    if errors:
        raise Invalid(errors)
    return {field.name: value[field.name] for field in fields(ReturnTerms)}
