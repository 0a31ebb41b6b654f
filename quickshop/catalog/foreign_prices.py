"""Prices of variants in other currencies than their own. Without one a variant cannot be bought in that currency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from quickshop.catalog.changing import product_of
from quickshop.catalog.errors import CatalogConflict
from quickshop.catalog.indexing import index_prices, lock
from quickshop.extensions import settings
from quickshop.kernel import db
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.money import money
from quickshop.kernel.outbox import dump


def prices_of(variant_id: UUID) -> list[dict[str, Any]]:
    """The variant's prices in other currencies: {currency, price, compare_at_price, sale_price}. Raises NotFound."""
    _own_currency(variant_id)
    found = db.rows("SELECT * FROM variant_prices WHERE variant_id = :id ORDER BY currency", id=variant_id)
    return [_price(r) for r in found]


def of_product(product_id: UUID) -> dict[str, dict[str, dict[str, Any]]]:
    """The same of all variants of a product, by variant and currency."""
    prices: dict[str, dict[str, dict[str, Any]]] = {}
    for r in db.rows(
        "SELECT p.* FROM variant_prices p JOIN variants v ON v.id = p.variant_id WHERE v.product_id = :id",
        id=product_id,
    ):
        prices.setdefault(str(r.variant_id), {})[r.currency] = _price(r)
    return prices


def _price(r: Any) -> dict[str, Any]:
    return {
        "currency": r.currency,
        "price": money(r.price_minor, r.currency),
        "compare_at_price": money(r.compare_at_minor, r.currency) if r.compare_at_minor is not None else None,
        "sale_price": money(r.sale_price_minor, r.currency) if r.sale_price_minor is not None else None,
    }


def set_price_in(
    variant_id: UUID,
    currency: str,
    price_minor: int,
    compare_at_minor: int | None = None,
    sale_price_minor: int | None = None,
) -> None:
    """Set what a variant costs in another currency; `sale_price_minor` holds while the variant's own sale runs.

    Raises NotFound; Invalid for a currency that the shop does not take, or the variant's own; CatalogConflict where
    the former price is not above the price or the sale price not below it.
    """
    if currency not in settings().currencies or currency == _own_currency(variant_id):
        raise Invalid({"currency": ["Not one of the shop's other currencies."]})
    product_id = product_of(variant_id)
    lock([product_id])
    try:
        db.run(
            """
            INSERT INTO variant_prices (variant_id, currency, price_minor, compare_at_minor, sale_price_minor)
            VALUES (:id, :currency, :price, :was, :sale)
            ON CONFLICT (variant_id, currency) DO UPDATE
            SET price_minor = EXCLUDED.price_minor, compare_at_minor = EXCLUDED.compare_at_minor,
                sale_price_minor = EXCLUDED.sale_price_minor, updated_at = now()
            """,
            id=variant_id,
            currency=currency,
            price=price_minor,
            was=compare_at_minor,
            sale=sale_price_minor,
        )
    except IntegrityError as error:
        raise CatalogConflict("The former price is above the price, the sale price below it.") from error
    index_prices([product_id])


@dataclass(frozen=True)
class PriceIn:
    """What a variant shall cost in another currency than its own, in minor units."""

    variant_id: UUID
    currency: str
    price_minor: int
    compare_at_minor: int | None = None


_SET_MANY = """
WITH wanted AS (
    SELECT * FROM jsonb_to_recordset(CAST(:prices AS jsonb))
        AS w (variant_id uuid, currency text, price_minor bigint, compare_at_minor bigint)
), made AS (
    INSERT INTO variant_prices (variant_id, currency, price_minor, compare_at_minor)
    SELECT w.* FROM wanted w ORDER BY w.variant_id, w.currency
    ON CONFLICT (variant_id, currency) DO UPDATE
    SET price_minor = EXCLUDED.price_minor, compare_at_minor = EXCLUDED.compare_at_minor, updated_at = now()
    RETURNING variant_id
)
SELECT DISTINCT v.product_id FROM made JOIN variants v ON v.id = made.variant_id
"""


def set_prices_in(prices: Sequence[PriceIn]) -> None:
    """Set many prices at once, of variants and in currencies that are known to be right; sale prices stay."""
    products = sorted(r.product_id for r in db.rows(_SET_MANY, prices=dump([asdict(price) for price in prices])))
    lock(products)
    index_prices(products)


def drop_price_in(variant_id: UUID, currency: str) -> None:
    """Sell a variant in this currency no longer. Raises NotFound."""
    product_id = product_of(variant_id)
    lock([product_id])
    gone = db.run(
        "DELETE FROM variant_prices WHERE variant_id = :id AND currency = :currency", id=variant_id, currency=currency
    )
    if not gone.rowcount:
        raise NotFound("price")
    index_prices([product_id])


def _own_currency(variant_id: UUID) -> str:
    found: str | None = db.scalar("SELECT currency FROM variants WHERE id = :id", id=variant_id)
    if found is None:
        raise NotFound("variant")
    return found
