"""The payment port: what the shop asks of a provider and what it may hear back. No provider lives here.

A gateway never raises for trouble on the network: whatever it cannot tell for certain is UNKNOWN, a
state that is looked up or asked again with the same key, never charged again under another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class AnswerState(StrEnum):
    """What a provider's answer means for the shop."""

    AUTHORIZED = "authorized"
    DECLINED = "declined"  # a definite no: nothing was reserved, a new key may be tried
    REQUIRES_ACTION = "requires_action"  # the shopper must follow next_action
    PENDING = "pending"  # the provider is still deciding; look up, or wait for its webhook
    CAPTURED = "captured"
    VOIDED = "voided"
    REFUNDED = "refunded"  # some or all was returned; refunded_minor says how much so far
    REFUSED = "refused"  # a definite no to a capture, void or refund; `code` says why, nothing changed
    DESCRIBED = "described"  # `card` tells of the card behind a token
    NOT_FOUND = "not_found"  # a definite "never heard of it"
    UNKNOWN = "unknown"  # it may or may not have happened


@dataclass(frozen=True, slots=True)
class ChargeRequest:
    """One charge to authorise. `key` makes it happen at most once; the amount is in minor units."""

    key: str
    order_number: str
    amount_minor: int
    currency: str
    token: str


@dataclass(frozen=True, slots=True)
class StoredCard:
    """What a provider tells of the card behind a token. The same card has the same fingerprint under every token.

    `token` is what later payments are made with, where that is another than the one that was asked about; `country`
    (two letters) is where the card was issued, where the provider tells.
    """

    brand: str
    last4: str
    exp_month: int
    exp_year: int
    fingerprint: str
    token: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A provider's answer, checked.

    `amount_minor` is the amount of the call (of the charge for authorise, void and look-up; what was
    captured or refunded by this very call otherwise). `retriable` matters for UNKNOWN only: True when
    the provider was not reached or answered with a definite failure, False when nobody can say what it did.
    Either way the same key must be used.
    """

    state: AnswerState
    provider_ref: str | None = None
    code: str | None = None
    amount_minor: int | None = None
    next_action: dict[str, str] | None = None
    currency: str | None = None
    captured_minor: int = 0
    refunded_minor: int = 0
    card_fingerprint: str | None = None
    card: StoredCard | None = None
    retriable: bool = False


@dataclass(frozen=True, slots=True)
class Charge:
    """One charge in a provider's books. `key` is ours, None for a charge that we did not make."""

    ref: str
    key: str | None
    order_number: str | None
    state: AnswerState
    amount_minor: int
    currency: str
    captured_minor: int
    refunded_minor: int
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Charges:
    """A page of a provider's books, and where the next one begins (None after the last)."""

    items: Sequence[Charge]
    after: str | None


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """A verified delivery. It only says which charge to look up: order and uniqueness are not promised.

    `key` is ours; None for an event of something that is not about a charge of ours.
    """

    id: str
    type: str
    provider_ref: str | None
    key: str | None


def unknown(code: str, *, retriable: bool = False) -> Answer:
    """The answer of a provider that gave none that can be believed; `code` says what was seen."""
    return Answer(AnswerState.UNKNOWN, code=code, retriable=retriable)


class Gateway(Protocol):
    """A payment provider. Every call raises RuntimeError inside an open database transaction, and nothing else."""

    def authorize(self, request: ChargeRequest) -> Answer:
        """Reserve the money. AUTHORIZED, DECLINED, REQUIRES_ACTION, PENDING or UNKNOWN."""
        ...

    def capture(self, ref: str, key: str, amount_minor: int) -> Answer:
        """Take up to the reserved amount, once. CAPTURED, REFUSED, NOT_FOUND or UNKNOWN."""
        ...

    def void(self, ref: str, key: str) -> Answer:
        """Let the reservation go. VOIDED, REFUSED, NOT_FOUND or UNKNOWN."""
        ...

    def refund(self, ref: str, key: str, amount_minor: int) -> Answer:
        """Give back part or all of what was captured. REFUNDED, REFUSED, NOT_FOUND or UNKNOWN."""
        ...

    def look_up(self, key: str, ref: str | None = None, asked_at: datetime | None = None) -> Answer:
        """The present state of the charge made with `key`; NOT_FOUND when the provider never saw it.

        `ref` and the time when it was first asked for are told where they are known: not every provider finds
        a charge by the key alone.
        """
        ...

    def describe(self, token: str) -> Answer:
        """The card behind a token. DESCRIBED, NOT_FOUND or UNKNOWN."""
        ...

    def keep(self, token: str, beside: str | None = None) -> Answer:
        """Keep the card behind a token for later payments. DESCRIBED, NOT_FOUND or UNKNOWN.

        `beside` is the token of another card of the same person that is kept here.
        """
        ...

    def forget(self, token: str) -> Answer:
        """Keep a card no more. VOIDED, NOT_FOUND or UNKNOWN."""
        ...

    def books(self, since: datetime, until: datetime, after: str | None = None) -> Charges | None:
        """A page of the charges made from `since` to `until`; None where the provider does not tell now."""
        ...
