"""The cards one can pay with on the pages of a development shop: tokens of the simulated gateway, in words."""

from __future__ import annotations

from dataclasses import dataclass

from quickshop.extensions import settings


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
