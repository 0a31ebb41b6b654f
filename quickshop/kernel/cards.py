"""Spotting card numbers where none may be: they belong to the payment provider, never into a table of ours. Pure."""

from __future__ import annotations

import re

_CANDIDATE = re.compile(r"(?<![\w-])\d(?:[ -]?\d){13,18}(?![\w-])")
# How the numbers of the card schemes begin and how long they are; other long numbers are somebody's business.
_SCHEMES = re.compile(
    r"4\d{15}(?:\d{3})?"
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"
    r"|3[47]\d{13}"
    r"|(?:6011|65\d\d|64[4-9]\d)\d{12,15}"
    r"|35(?:2[89]|[3-8]\d)\d{12,15}"
    r"|3(?:0[0-5]|[68]\d)\d{11,16}"
    r"|(?:50|5[6-9]|6\d)\d{10,17}"
)


def passes_luhn(digits: str) -> bool:
    """Whether the last digit checks the others, as on every card."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = int(digit) * (1 + place % 2)
        total += number - 9 if number > 9 else number
    return total % 10 == 0


def holds_card_number(text: str) -> bool:
    """Whether a card number stands in the text, whole or in groups."""
    for found in _CANDIDATE.finditer(text):
        digits = re.sub("[ -]", "", found[0])
        if digits.isascii() and _SCHEMES.fullmatch(digits) and passes_luhn(digits):
            return True
    return False
