"""The verbs of shipping methods."""

from __future__ import annotations

from quickshop.kernel import db
from quickshop.shipping.rules import Method


def set_method(method: Method, position: int) -> None:
    """Make a method, or change the one with this code."""
    db.run(
        """
        INSERT INTO shipping_methods
            (code, name, currency, price_minor, free_from_minor, min_days, max_days, position)
        VALUES (:code, :name, :currency, :price, :free_from, :min_days, :max_days, :position)
        ON CONFLICT (code) DO UPDATE SET name = EXCLUDED.name, price_minor = EXCLUDED.price_minor,
            free_from_minor = EXCLUDED.free_from_minor, min_days = EXCLUDED.min_days,
            max_days = EXCLUDED.max_days, position = EXCLUDED.position, active = true
        """,
        code=method.code,
        name=method.name,
        currency=method.currency,
        price=method.price_minor,
        free_from=method.free_from_minor,
        min_days=method.min_days,
        max_days=method.max_days,
        position=position,
    )
