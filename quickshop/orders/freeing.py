"""Freeing what an order that ends unpaid or cancelled kept from others: units of stock, uses of promotions, credit."""

from __future__ import annotations

from uuid import UUID

from quickshop.inventory import service as inventory
from quickshop.promotions import service as promotions


def let_go(order_id: UUID, credit_minor: int | None = None) -> None:
    """Free all of it; of the credit that paid only `credit_minor`, where that is said. The caller holds the order's
    lock. Safe to run twice.
    """
    if not inventory.release(order_id):
        inventory.put_back(order_id)
    if credit_minor is None:
        promotions.give_back(order_id)
        return
    promotions.give_back_uses(order_id)
    if credit_minor:
        promotions.give_back_credit(order_id, credit_minor)
