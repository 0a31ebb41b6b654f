"""Which class an order is processed in. Decided once, at submission, and stored with its reason. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Priority(StrEnum):
    """The classes, most urgent first."""

    VIP = "vip"
    HIGH = "high"
    STANDARD = "standard"


@dataclass(frozen=True)
class Thresholds:
    """From which lifetime spend in a currency a customer is VIP, and from which total an order is of high value.

    In minor units. A currency for which staff set nothing decides nothing.
    """

    vip_spend: Mapping[str, int]
    high_value_minor: int | None


def queue_of(priority: str) -> str:
    """The Celery queue that serves a class."""
    return f"orders.{priority}"


def decide(*, vip: bool, spent: Mapping[str, int], total_minor: int, thresholds: Thresholds) -> tuple[Priority, str]:
    """The class of an order and the reason, a short machine word.

    `spent`: what its member has spent in each currency, in minor units; one that reaches its threshold is enough.
    """
    if vip:
        return Priority.VIP, "vip_group"
    if any(spent.get(currency, 0) >= least for currency, least in thresholds.vip_spend.items()):
        return Priority.VIP, "lifetime_spend"
    if thresholds.high_value_minor is not None and total_minor >= thresholds.high_value_minor:
        return Priority.HIGH, "order_value"
    return Priority.STANDARD, "default"
