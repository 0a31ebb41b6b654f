"""Reads of a cart: always live prices and stock, never a cache."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from quickshop.cart.refs import CartRef
from quickshop.catalog.prices import PRICE_NOW
from quickshop.extensions import settings
from quickshop.kernel import db
from quickshop.kernel.money import money


@dataclass(frozen=True)
class CartLine:
    """An item with the product as it is now. Prices in minor units.

    `available` is what this cart can have: what is left after holds, and what it holds itself. `cart_holds` says
    whether the cart holds anything at all.
    """

    id: UUID
    variant_id: UUID
    product_slug: str
    sku: str
    name: str
    options: dict[str, str]
    image: dict[str, Any] | None
    quantity: int
    unit_price_minor: int
    currency: str
    weight_grams: int
    tax_class: str
    available: int
    cart_holds: bool


_LINES = f"""
SELECT i.id, i.variant_id, p.slug AS product_slug, v.sku, p.name, v.options, coalesce(v.image, p.image) AS image,
       i.quantity,
       {PRICE_NOW} AS unit_price_minor, v.currency, v.weight_grams, coalesce(p.tax_class, 'standard') AS tax_class,
       coalesce(s.on_hand - s.held, 0) + coalesce(hl.quantity, 0) AS available, h.id IS NOT NULL AS cart_holds
FROM cart_items i JOIN variants v ON v.id = i.variant_id JOIN products p ON p.id = v.product_id
JOIN carts c ON c.id = i.cart_id
LEFT JOIN stock_items s ON s.variant_id = v.id
LEFT JOIN stock_holds h ON h.cart_id = c.id AND h.state = 'live'
LEFT JOIN stock_hold_lines hl ON hl.hold_id = h.id AND hl.variant_id = v.id
WHERE i.cart_id = :cart AND c.user_id IS NOT DISTINCT FROM CAST(:user AS uuid) AND c.state = ANY(:states)
ORDER BY i.added_at, i.id
"""


def cart_lines(ref: CartRef, *, ordered: bool = False) -> list[CartLine]:
    """The items of an active cart (of one being ordered in this transaction, with `ordered`)."""
    states = ["active", "ordered"] if ordered else ["active"]
    found = db.rows(_LINES, cart=ref.id, user=ref.user_id, states=states)
    return [CartLine(**r._asdict()) for r in found]


def cart_view(ref: CartRef | None) -> dict[str, Any]:
    """The cart as clients get it; an empty one where there is none."""
    lines = cart_lines(ref) if ref else []
    currency = lines[0].currency if lines else settings().base_currency
    subtotal = sum(line.quantity * line.unit_price_minor for line in lines)
    return {
        "id": str(ref.id) if ref else None,
        "token": ref.token if ref else None,
        "items": [_item(line) for line in lines],
        "saved": [],
        "coupons": [],
        "discounts": [],
        "subtotal": money(subtotal, currency),
        "total": money(subtotal, currency),
        "quantity": sum(line.quantity for line in lines),
        "warnings": [w for line in lines for w in _warnings(line)],
    }


def _item(line: CartLine) -> dict[str, Any]:
    return {
        "id": str(line.id),
        "variant_id": str(line.variant_id),
        "product_slug": line.product_slug,
        "sku": line.sku,
        "name": line.name,
        "options": line.options,
        "image": line.image,
        "quantity": line.quantity,
        "available": max(line.available, 0),
        "unit_price": money(line.unit_price_minor, line.currency),
        "total": money(line.quantity * line.unit_price_minor, line.currency),
    }


def _warnings(line: CartLine) -> list[dict[str, Any]]:
    if line.available >= line.quantity:
        return []
    return [
        {
            "code": "out_of_stock" if line.available <= 0 else "low_stock",
            "item_id": str(line.id),
            "sku": line.sku,
            "name": line.name,
            "requested": line.quantity,
            "available": max(line.available, 0),
        }
    ]
