"""What does not add up between a provider's charge, our payment and its order. Pure: nobody is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from quickshop.payments.gateways.port import AnswerState, Charge

# While an order stands so, its charge may be reserved: it will be captured, or a person decides.
_MAY_RESERVE = ("placed", "processing", "on_hold")
_RESERVED = (AnswerState.AUTHORIZED, AnswerState.REQUIRES_ACTION, AnswerState.PENDING)
CHARGE_KINDS = (
    "unknown_charge", "missing_charge", "amount_differs", "captured_differs", "refunded_differs", "still_reserved",
)  # fmt: skip


@dataclass(frozen=True)
class Ours:
    """A round of paying as we know it, with its order. Amounts in minor units.

    `settled`: nobody works on the order, and nobody did a moment ago. `current`: it is the order's last round.
    """

    key: str
    order_id: UUID
    round: int
    provider_ref: str | None
    asked_at: datetime
    status: str
    payment_status: str
    current: bool
    settled: bool
    currency: str
    amount_minor: int
    captured_minor: int
    refunded_minor: int
    refunding_minor: int


@dataclass(frozen=True)
class Difference:
    """One way in which the books differ: what ours say, what the other says."""

    kind: str
    expected_minor: int
    found_minor: int


def reserved(charge: Charge) -> bool:
    """Whether a charge keeps money reserved, or may still come to."""
    return charge.state in _RESERVED


def compare(charge: Charge | None, ours: Ours | None) -> list[Difference]:
    """Every difference between a charge and our payment; either may be missing. Work under way is none."""
    if ours is None:
        return [] if charge is None else list(_unknown(charge))
    if not ours.settled:
        return []
    if charge is None:
        return [Difference("missing_charge", ours.captured_minor, 0)] if ours.captured_minor else []
    return list(_differences(charge, ours))


def _unknown(charge: Charge) -> Iterator[Difference]:
    held = charge.captured_minor - charge.refunded_minor or (charge.amount_minor if reserved(charge) else 0)
    if held:
        yield Difference("unknown_charge", 0, held)


def _differences(charge: Charge, ours: Ours) -> Iterator[Difference]:
    if (charge.amount_minor, charge.currency) != (ours.amount_minor, ours.currency):
        yield Difference("amount_differs", ours.amount_minor, charge.amount_minor)
    if charge.captured_minor != ours.captured_minor:
        yield Difference("captured_differs", ours.captured_minor, charge.captured_minor)
    if not 0 <= charge.refunded_minor - ours.refunded_minor <= ours.refunding_minor:
        yield Difference("refunded_differs", ours.refunded_minor, charge.refunded_minor)
    if reserved(charge) and not (ours.current and ours.status in _MAY_RESERVE):
        yield Difference("still_reserved", 0, charge.amount_minor)


def order_differs(
    payment_status: str, *, due_minor: int, captured_minor: int, refunded_minor: int
) -> Difference | None:
    """Whether an order says something else of its money than its payments do."""
    if payment_status in ("captured", "partially_refunded", "refunded"):
        if captured_minor != due_minor:
            return Difference("order_differs", due_minor, captured_minor)
        if due_minor and payment_status != _status_of(captured_minor, refunded_minor):
            return Difference("order_differs", captured_minor, captured_minor - refunded_minor)
    elif captured_minor != refunded_minor:
        return Difference("order_differs", 0, captured_minor - refunded_minor)
    return None


def _status_of(captured_minor: int, refunded_minor: int) -> str:
    if not refunded_minor:
        return "captured"
    return "refunded" if refunded_minor == captured_minor else "partially_refunded"
