"""The cards one can pay with on the pages: a member's saved ones, and test cards of the simulated gateway, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from quickshop.accounts.callers import Caller
from quickshop.extensions import settings
from quickshop.kernel.errors import Invalid
from quickshop.payments.methods import payment_methods


@dataclass(frozen=True)
class Card:
    """A token with what it does."""

    token: str
    label: str
    hint: str


CARDS = (
    Card("tok_approve", "Card that is approved", "The ordinary case"),
    Card("tok_decline", "Card that is declined", "The bank says no"),
    Card("tok_insufficient_funds", "Card without enough money", "Declined for lack of funds"),
    Card("tok_challenge", "Card that asks first", "The bank wants a confirmation (3-D Secure)"),
    Card("tok_slow", "Slow bank", "Answers after about 20 seconds"),
    Card("tok_late", "Late answer", "The result comes afterwards, by webhook"),
    Card("tok_timeout_charged", "Timeout after charging", "The bank charges but never answers; the shop finds out"),
)


def payment_options() -> tuple[Card, ...]:
    """What the payment step offers; outside development the shop shows no test cards."""
    return CARDS if settings().development else ()


def saved_cards(caller: Caller) -> list[dict[str, Any]]:
    """The cards that the caller keeps, the default first; a guest has none."""
    return payment_methods(caller.user_id) if caller.user_id is not None else []


@dataclass(frozen=True)
class Choice:
    """How to pay: with a token, or a saved card; both are None where no card was chosen."""

    token: str | None
    method_id: UUID | None


def chosen_payment(value: str | None) -> Choice:
    """What the field `payment` of a form says. Raises Invalid for what was not offered.

    Whether a saved card is the caller's own, and whether one is needed, is the core's to see.
    """
    if not value:
        return Choice(None, None)
    if value in {card.token for card in payment_options()}:
        return Choice(value, None)
    try:
        return Choice(None, UUID(value))
    except ValueError:
        raise Invalid({"payment": ["Please choose how to pay."]}, "Please choose how to pay.") from None
