"""Money: integer minor units and a currency, one rounding rule, and sharing without losing a unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TypedDict

from quickshop.kernel.currencies import EXPONENTS


class MoneyDict(TypedDict):
    """Money as the API shows it: minor units and ISO 4217 code."""

    amount: int
    currency: str


@dataclass(frozen=True)
class Money:
    """An amount in minor units of one currency."""

    amount: int
    currency: str

    def as_dict(self) -> MoneyDict:
        """The API's form."""
        return {"amount": self.amount, "currency": self.currency}


def money(amount: int, currency: str) -> MoneyDict:
    """The API's form of an amount in minor units."""
    return {"amount": amount, "currency": currency}


def exponent(currency: str) -> int:
    """How many decimals a currency has; two for a code that is not in use."""
    return EXPONENTS.get(currency, 2)


def round_minor(value: Decimal) -> int:
    """The shop's one rounding rule: half up to a whole minor unit."""
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def from_major(value: Decimal, currency: str) -> int:
    """Minor units of a price written in major units, rounded half up."""
    return round_minor(value.scaleb(exponent(currency)))


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """Share `total` minor units by weight so that the parts sum to it exactly.

    Largest remainder method; ties go to the earlier part. Equal shares where all weights are zero.
    """
    if not weights:
        return []
    whole = sum(weights)
    parts = list(weights) if whole else [1] * len(weights)
    whole = whole or len(weights)
    shares = [total * w // whole for w in parts]
    remainders = sorted(range(len(parts)), key=lambda i: (-(total * parts[i] % whole), i))
    for i in remainders[: total - sum(shares)]:
        shares[i] += 1
    return shares
