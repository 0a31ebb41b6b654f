"""Which class an order is processed in. Decided once, at submission, and stored with its reason. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Priority(StrEnum):
    """The classes, most urgent first."""

    VIP = "vip"
    HIGH = "high"
    STANDARD = "standard"


@dataclass(frozen=True)
class Thresholds:
    """From which lifetime spend a customer is VIP, and from which total an order is of high value (minor units).

    None where staff set nothing for the currency: then it decides nothing.
    """

    vip_spend_minor: int | None
    high_value_minor: int | None


def queue_of(priority: str) -> str:
    """The Celery queue that serves a class."""
    return f"orders.{priority}"


def decide(*, vip: bool, spent_minor: int, total_minor: int, thresholds: Thresholds) -> tuple[Priority, str]:
    """The class of an order and the reason, a short machine word."""
    if vip:
        return Priority.VIP, "vip_group"
    if thresholds.vip_spend_minor is not None and spent_minor >= thresholds.vip_spend_minor:
        return Priority.VIP, "lifetime_spend"
    if thresholds.high_value_minor is not None and total_minor >= thresholds.high_value_minor:
        return Priority.HIGH, "order_value"
    return Priority.STANDARD, "default"
