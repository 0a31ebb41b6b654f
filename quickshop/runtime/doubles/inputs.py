"""Reading what callers send: bytes to checked values, or a 400 with the reason. Pure."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import orjson

from quickshop.runtime.doubles.cards import Card, read_token
from quickshop.runtime.doubles.ledger import Wanted
from quickshop.runtime.doubles.refusals import Refused

LARGEST_BODY = 64 * 1024
LARGEST_AMOUNT = 10**12
MOST_CHARGES = 100
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,4}", re.ASCII)


def _invalid(detail: str) -> Refused:
    return Refused(400, "invalid_request", detail)


def read_object(body: bytes) -> dict[str, Any]:
    """A JSON object. Raises Refused."""
    if len(body) > LARGEST_BODY:
        raise Refused(413, "body_too_large", "The body is too large.")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise _invalid("The body is not JSON.") from None
    if not isinstance(document, dict):
        raise _invalid("The body is not a JSON object.")
    return document


def _text(document: dict[str, Any], name: str, longest: int = 255) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise _invalid(f"{name} must be a text of 1 to {longest} characters.")
    return value


def _amount(document: dict[str, Any]) -> int:
    value = document.get("amount")
    if type(value) is not int or not 1 <= value <= LARGEST_AMOUNT:
        raise _invalid("amount must be a whole number of minor units, at least 1.")
    return value


def read_charge(body: bytes) -> Wanted:
    """An authorise call: {key, order, amount, currency, token}. Raises Refused."""
    document = read_object(body)
    currency = _text(document, "currency", 3)
    if not _CURRENCY.fullmatch(currency):
        raise _invalid("currency must be three capital letters.")
    token = read_token(_text(document, "token"))
    return Wanted(
        key=_text(document, "key"),
        order=_text(document, "order"),
        amount=_amount(document),
        currency=currency,
        script=token.name,
        fingerprint=token.fingerprint,
    )


def read_operation(kind: str, body: bytes) -> tuple[str, int | None]:
    """Key and amount of a capture or refund {key, amount}, or of a void {key}. Raises Refused."""
    document = read_object(body)
    return _text(document, "key"), None if kind == "void" else _amount(document)


def _small_number(document: dict[str, Any], name: str) -> int:
    value = document.get(name)
    text = str(value).strip() if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not _DIGITS.fullmatch(text):
        raise Refused(400, "invalid_expiry", "The expiry date is not valid.")
    return int(text)


def read_card(body: bytes) -> Card:
    """A card form {number, exp_month, exp_year, cvc}: texts or numbers, spaces and dashes allowed. Raises Refused."""
    document = read_object(body)
    number = re.sub(r"[ -]", "", str(document.get("number", "")))
    if not (number.isascii() and number.isdigit()):
        raise Refused(400, "invalid_number", "The card number is not valid.")
    cvc = str(document.get("cvc", "")).strip()
    if not (cvc.isascii() and cvc.isdigit()):
        raise Refused(400, "invalid_cvc", "The security code is not valid.")
    year = _small_number(document, "exp_year")
    return Card(
        number=number,
        exp_month=_small_number(document, "exp_month"),
        exp_year=year + 2000 if year < 100 else year,
        cvc=cvc,
    )


def read_page(query: dict[str, list[str]]) -> tuple[datetime, datetime, str | None, int]:
    """A question for the books: since, until, after (the last charge seen) and how many at most. Raises Refused."""
    try:
        since, until = (datetime.fromisoformat(query[name][0]) for name in ("since", "until"))
        limit = int(query.get("limit", ["100"])[0])
    except (KeyError, ValueError):
        raise _invalid("since and until are times of RFC 3339, limit a number.") from None
    if since.tzinfo is None or until.tzinfo is None or not 1 <= limit <= MOST_CHARGES:
        raise _invalid(f"Times need a zone, and limit is 1 to {MOST_CHARGES}.")
    return since, until, query.get("after", [None])[0], limit
