"""Freeing what an order that ends unpaid or cancelled kept from others: units of stock, uses of promotions, credit."""

from __future__ import annotations

from uuid import UUID

from quickshop.inventory import service as inventory
from quickshop.promotions import service as promotions


def let_go(order_id: UUID) -> None:
    """Free all of it. The caller holds the order's lock. Safe to run twice."""
    if not inventory.release(order_id):
        inventory.put_back(order_id)
    promotions.give_back(order_id)
