"""What may come back and until when. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from quickshop.kernel.errors import Invalid
from quickshop.returns.states import FAULTS, Resolution
from quickshop.shop.returning import ReturnTerms


@dataclass(frozen=True)
class Bought:
    """A line as returns see it: `left` units were delivered and are neither back nor announced.

    `line` counts from 1; `delivered_at` is when the last parcel with units of it arrived.
    """

    id: UUID
    line: int
    variant_id: UUID
    left: int
    delivered_at: datetime | None


@dataclass(frozen=True)
class WishedLine:
    """Units of a line that shall come back, why, and what is wanted instead (the same where nothing is said)."""

    line: int
    quantity: int
    reason: str
    exchange_variant_id: UUID | None = None


@dataclass(frozen=True)
class Wish:
    """What a shopper asks for. `note` is theirs, for staff."""

    lines: Sequence[WishedLine]
    resolution: str
    note: str | None = None


def until(bought: Bought, reason: str | None, terms: ReturnTerms) -> datetime | None:
    """The last moment at which a line may be announced for this reason (None: for any); None before it arrived."""
    if bought.delivered_at is None:
        return None
    faulty = reason is None or reason in FAULTS
    return bought.delivered_at + timedelta(days=terms.fault_days if faulty else terms.days)


def check_form(wish: Wish, *, member: bool) -> None:
    """Raise Invalid for a wish that no order could grant."""
    places = [wished.line for wished in wish.lines]
    if not places:
        raise Invalid({"lines": ["What shall come back?"]})
    if len(set(places)) < len(places):
        raise Invalid({"lines": ["A line is named twice."]})
    if wish.resolution == Resolution.CREDIT and not member:
        raise Invalid({"resolution": ["A guest has no account for store credit."]})
    if wish.resolution != Resolution.EXCHANGE and any(wished.exchange_variant_id for wished in wish.lines):
        raise Invalid({"lines": ["Another one is named, but no exchange is asked for."]})


def refusals(wish: Wish, bought: Mapping[int, Bought], terms: ReturnTerms, now: datetime) -> list[dict[str, Any]]:
    """Each line that cannot come back as wished: {line, reason, left, for}. Raises Invalid for a line that is none."""
    found: list[dict[str, Any]] = []
    for wished in wish.lines:
        line = bought.get(wished.line)
        if line is None:
            raise Invalid({"lines": [f"The order has no line {wished.line}."]})
        last = until(line, wished.reason, terms)
        if wished.quantity > line.left:
            found.append({"line": wished.line, "reason": "not_so_many", "left": line.left, "for": wished.reason})
        elif last is None or now > last:
            found.append({"line": wished.line, "reason": "too_late", "left": line.left, "for": wished.reason})
    return found


def whole_and_faulty(reasons: Sequence[str], received: int, bought: int) -> bool:
    """Whether everything that was bought came back, and for the shop's fault alone."""
    return received == bought and all(reason in FAULTS for reason in reasons)
