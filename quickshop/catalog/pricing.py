"""Changing prices. Each change leaves a row in the price history; carts and checkout see it at once."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from quickshop.catalog.changing import product_of
from quickshop.catalog.errors import conflict
from quickshop.catalog.indexing import index, lock
from quickshop.catalog.prices import PRICE_NOW
from quickshop.kernel import clock, db, facts
from quickshop.kernel.money import money

_BEFORE = f"SELECT {PRICE_NOW} AS price_minor, v.currency FROM variants v WHERE v.id = :id"

_CHANGE = f"""
WITH changed AS (
    UPDATE variants v SET {{columns}} WHERE v.id = :id
    RETURNING v.id, v.price_minor, v.compare_at_minor, v.sale_price_minor, v.sale_from, v.sale_until,
              {PRICE_NOW} AS price_now
)
INSERT INTO price_changes (variant_id, price_minor, compare_at_minor, sale_price_minor, sale_from, sale_until)
SELECT id, price_minor, compare_at_minor, sale_price_minor, sale_from, sale_until FROM changed
RETURNING (SELECT price_now FROM changed)
"""


def _change(variant_id: UUID, columns: str, **values: Any) -> None:
    product_id = product_of(variant_id)
    lock([product_id])
    before = db.row(_BEFORE, id=variant_id)
    try:
        after = db.scalar(_CHANGE.format(columns=columns), id=variant_id, **values)
    except IntegrityError as error:
        raise conflict(error) from error
    if before is not None:
        tell(variant_id, before.price_minor, after, before.currency)
    index([product_id])


def tell(variant_id: UUID, before_minor: int, after_minor: int, currency: str) -> None:
    """Leave word for those who wait for a price, where it changed."""
    if before_minor != after_minor:
        change = {"before_minor": before_minor, "after_minor": after_minor, "currency": currency}
        facts.leave("wishlists", "catalog.price_changed", {"variant_id": str(variant_id), **change})
        facts.announce("product.price_changed", {"variant_id": str(variant_id), **change})


def set_price(variant_id: UUID, price_minor: int, compare_at_minor: int | None = None) -> None:
    """Set the ordinary price and the former one, in minor units. Raises NotFound, CatalogConflict.

    A sale stays as it was arranged; one that would no longer be below the price is refused.
    """
    _change(
        variant_id,
        "price_minor = :price, compare_at_minor = :was",
        price=price_minor,
        was=compare_at_minor,
    )


def schedule_sale(
    variant_id: UUID, price_minor: int, starts_at: datetime | None = None, ends_at: datetime | None = None
) -> None:
    """Charge `price_minor` from `starts_at` (now) until `ends_at` (for good), in place of an earlier arrangement.

    Raises NotFound; CatalogConflict where it is not below the price or ends before it begins.
    """
    _change(
        variant_id,
        "sale_price_minor = :price, sale_from = CAST(:starts AS timestamptz), sale_until = CAST(:ends AS timestamptz)",
        price=price_minor,
        starts=starts_at,
        ends=ends_at,
    )


def end_sale(variant_id: UUID) -> None:
    """Charge the ordinary price again, at once. Raises NotFound."""
    _change(variant_id, "sale_price_minor = NULL, sale_from = NULL, sale_until = NULL")


def price_history(variant_id: UUID) -> list[dict[str, Any]]:
    """What the variant's prices were, oldest first: {at, price, compare_at_price, sale {price, from, until}}."""
    found = db.rows(
        "SELECT c.at, c.price_minor, c.compare_at_minor, c.sale_price_minor, c.sale_from, c.sale_until, v.currency"
        " FROM price_changes c JOIN variants v ON v.id = c.variant_id"
        " WHERE c.variant_id = :id ORDER BY c.id",
        id=variant_id,
    )
    return [
        {
            "at": clock.rfc3339(r.at),
            "price": money(r.price_minor, r.currency),
            "compare_at_price": money(r.compare_at_minor, r.currency) if r.compare_at_minor else None,
            "sale": {
                "price": money(r.sale_price_minor, r.currency),
                "from": clock.rfc3339(r.sale_from),
                "until": clock.rfc3339(r.sale_until),
            }
            if r.sale_price_minor is not None
            else None,
        }
        for r in found
    ]
