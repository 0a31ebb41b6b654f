"""Money that staff state for a product: it has to be in the product's currency."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quickshop.kernel.errors import Invalid


def minor(given: Mapping[str, Any], currency: str, field: str) -> int:
    """The minor units of {amount, currency}. Raises Invalid, naming the field, for another currency."""
    if given["currency"] != currency:
        raise Invalid({f"{field}.currency": [f"This product has its prices in {currency}."]})
    return int(given["amount"])


def prices(body: Mapping[str, Any], currency: str, path: str = "") -> dict[str, Any]:
    """`price` and `compare_at_price` of a body as the core takes them. Raises Invalid for another currency."""
    was = body["compare_at_price"]
    return {
        "price_minor": minor(body["price"], currency, f"{path}price"),
        "compare_at_minor": None if was is None else minor(was, currency, f"{path}compare_at_price"),
    }
