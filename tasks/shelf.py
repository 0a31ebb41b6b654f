"""What the open pages of products were told last, so that only what has changed since is sent.

Selling puts nothing here: twice a second, while somebody follows a product, its stock and prices are looked at again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from quickshop.inventory.levels import shown
from quickshop.monitoring import live

MOST = 1000  # products looked at in one turn; where more are followed, they take turns
_STALE_SECONDS = 5.0


class Shelf:
    """The followed products as they were last told. Needs an application context."""

    def __init__(self) -> None:
        self._told: dict[UUID, dict[UUID, tuple[Any, ...]]] = {}
        self._turn = 0
        self._looked_at = 0.0

    def frames(self, products: Iterable[UUID]) -> list[dict[str, Any]]:
        """The frames of variants that have changed; of a product that was not followed before, of all of them.

        They count as told: where they could not be sent, say so by `forget`. Raises DBAPIError.
        """
        followed = sorted(products)
        moment = time.monotonic()
        if moment - self._looked_at > _STALE_SECONDS:
            self.forget()  # another relay may have led meanwhile, and told more
        self._looked_at = moment
        self._told = {product_id: self._told.get(product_id, {}) for product_id in followed}
        changed = []
        for row in live.variants_now(self._next(followed)):
            told, true = self._told[row.product_id], _shown(row)
            if told.get(row.variant_id) != true:
                told[row.variant_id] = true
                changed.extend(live.frames_of(row))
        return changed

    def _next(self, followed: list[UUID]) -> list[UUID]:
        if len(followed) <= MOST:
            return followed
        self._turn %= len(followed)
        chosen = (followed + followed)[self._turn : self._turn + MOST]
        self._turn += MOST
        return chosen

    def forget(self) -> None:
        """Tell everything again at the next look."""
        self._told = {}


def _shown(row: Any) -> tuple[Any, ...]:
    """What the frames of a variant say, before they are made: most say nothing new."""
    return shown(row.available), row.price_minor, row.compare_at_minor, row.currency
