"""What each test token does, and which test card numbers stand for them. Pure tables and functions.

Only published test numbers are known; any other number is refused, so no real card can be left here.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from quickshop.runtime.doubles.refusals import Refused


class Wait(StrEnum):
    """When a pending charge is decided."""

    SLOW = "slow"  # while the caller waits
    LATE = "late"  # after the caller has its answer; the shop then hears of it by webhook


@dataclass(frozen=True, slots=True)
class Script:
    """How the gateway behaves for one kind of card."""

    state: str | None  # the state a new charge gets; None: nothing is stored
    code: str | None = None
    answers: bool = True  # False: the connection hangs and is dropped
    wait: Wait | None = None  # a pending charge that becomes authorized by itself
    fails_first: bool = False  # the first call with a key is a 503


SCRIPTS: dict[str, Script] = {
    "tok_approve": Script("authorized"),
    "tok_decline": Script("declined", code="card_declined"),
    "tok_insufficient_funds": Script("declined", code="insufficient_funds"),
    "tok_challenge": Script("requires_action"),
    "tok_timeout_charged": Script("authorized", answers=False),
    "tok_timeout_lost": Script(None, answers=False),
    "tok_slow": Script("pending", wait=Wait.SLOW),
    "tok_late": Script("pending", wait=Wait.LATE),
    "tok_error_once": Script("authorized", fails_first=True),
}

_FROM = re.compile(r"from_([A-Z]{2})(?![A-Za-z])")
_TOKEN = re.compile(r"(tok_[a-z_]{1,40})(?::[!-~]{1,64})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class CardToken:
    """A token as read: its script's name, and what tells one card from another."""

    name: str
    fingerprint: str

    @property
    def script(self) -> Script:
        """What the gateway does for it."""
        return SCRIPTS[self.name]


def read_token(token: str) -> CardToken:
    """The card behind a token; `NAME:ANYTHING` is another card of the same kind. Raises Refused (400)."""
    match = _TOKEN.fullmatch(token)
    if match is None or match[1] not in SCRIPTS:
        raise Refused(400, "unknown_token", "No such test token.")
    return CardToken(match[1], "fp_" + hashlib.sha256(token.encode()).hexdigest()[:16])


NUMBERS: dict[str, str] = {
    "4242424242424242": "tok_approve",
    "4000056655665556": "tok_approve",
    "5555555555554444": "tok_approve",
    "5200828282828210": "tok_approve",
    "378282246310005": "tok_approve",
    "6011111111111117": "tok_approve",
    "4000000000000002": "tok_decline",
    "4000000000009995": "tok_insufficient_funds",
    "4000002500003155": "tok_challenge",
    "4000000000003220": "tok_challenge",
    "4000000000000119": "tok_error_once",
    "4000000000006017": "tok_timeout_charged",
    "4000000000006025": "tok_timeout_lost",
    "4000000000006033": "tok_slow",
    "4000000000006041": "tok_late",
}

_BRANDS = (("4", "visa"), ("5", "mastercard"), ("37", "amex"), ("6011", "discover"))


@dataclass(frozen=True, slots=True)
class Card:
    """A test card as typed into a form; digits only, a four-digit year."""

    number: str
    exp_month: int
    exp_year: int
    cvc: str


def passes_luhn(number: str) -> bool:
    """Whether the check digit of a card number is right."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def brand_of(number: str) -> str:
    """The card scheme of a known number."""
    return next((brand for prefix, brand in _BRANDS if number.startswith(prefix)), "unknown")


def describe(token: str) -> dict[str, str | int | None]:
    """What a shop may show of the card behind a token: the same whenever it is asked. Raises Refused (400).

    A token made from a card number tells of that card; any other of an invented one. The expiry is made up, too: what
    was typed into a form is kept nowhere. A card tells its country where its token does: `tok_approve:from_DE`.
    """
    card = read_token(token)
    name, _, mark = token.partition(":")
    number = next((n for n, made in NUMBERS.items() if made == name and (not mark or mark == _mark(n))), None)
    seed = int(hashlib.sha256(token.encode()).hexdigest(), 16)
    return {
        "token": token,
        "brand": brand_of(number or "4"),
        "last4": number[-4:] if number else f"{seed % 10_000:04d}",
        "exp_month": 1 + seed % 12,
        "exp_year": 2030 + seed % 5,
        "fingerprint": card.fingerprint,
        "country": country[1] if (country := _FROM.match(mark)) else None,
    }


def _mark(number: str) -> str:
    """What tells the token of a card number from others of its kind."""
    return hashlib.sha256(b"card/" + number.encode()).hexdigest()[:16]


def tokenize(card: Card, today: date) -> dict[str, str]:
    """The token of a test card, with what a shop may show of it. Raises Refused (400) as a card form would.

    The same number gives the same token, hence the same fingerprint.
    """
    if not 12 <= len(card.number) <= 19 or not passes_luhn(card.number):
        raise Refused(400, "invalid_number", "The card number is not valid.")
    if not 1 <= card.exp_month <= 12 or not today.year - 50 <= card.exp_year <= today.year + 50:
        raise Refused(400, "invalid_expiry", "The expiry date is not valid.")
    if (card.exp_year, card.exp_month) < (today.year, today.month):
        raise Refused(400, "expired_card", "The card has expired.")
    brand = brand_of(card.number)
    if len(card.cvc) != (4 if brand == "amex" else 3):
        raise Refused(400, "invalid_cvc", "The security code is not valid.")
    name = NUMBERS.get(card.number)
    if name is None:
        raise Refused(400, "test_card_required", "Only test card numbers are taken here.")
    return {"token": f"{name}:{_mark(card.number)}", "brand": brand, "last4": card.number[-4:]}
