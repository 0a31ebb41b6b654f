"""Every table and column of the shop, and what of it is personal. Export and erasure do what stands here.

A test compares this map with the models: a table or column that is not in it fails the suite. Who adds one says here
whose it is, whether the person gets a copy of it, and what becomes of it when they are erased.
"""

from __future__ import annotations

from collections.abc import Mapping

from quickshop.privacy import of_accounts, of_conversations, of_orders, of_the_house
from quickshop.privacy.holding import Erasure, Holding

__all__ = ["MAP", "Erasure", "Holding"]

# In the order in which erasure goes through them: what refers to a row before that row.
MAP: Mapping[str, Holding] = {
    **of_accounts.HOLDINGS,
    **of_conversations.HOLDINGS,
    **of_orders.HOLDINGS,
    **of_the_house.HOLDINGS,
}
