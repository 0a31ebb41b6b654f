"""Reads of shipping methods."""

from __future__ import annotations

from quickshop.kernel import db
from quickshop.shipping.rules import Method


def active_methods(currency: str) -> list[Method]:
    """The methods offered in a currency, in display order."""
    found = db.rows(
        "SELECT code, name, currency, price_minor, free_from_minor, min_days, max_days FROM shipping_methods"
        " WHERE active AND currency = :currency ORDER BY position, code",
        currency=currency,
    )
    return [Method(**r._asdict()) for r in found]
