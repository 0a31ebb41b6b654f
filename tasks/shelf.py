"""What the open pages of products were told last, so that only what has changed since is sent.

Selling puts nothing here: once a second, while somebody follows a product, its stock and prices are looked at again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from quickshop.monitoring import live

MOST = 2000  # products looked at in one turn; where more are followed, they take turns
_STALE_SECONDS = 5.0


class Shelf:
    """The followed products as they were last told. Needs an application context."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str, str], dict[str, Any]] = {}
        self._turn = 0
        self._looked_at = 0.0

    def frames(self, products: Iterable[UUID]) -> list[dict[str, Any]]:
        """The frames of what has changed; of a product that was not followed before, all of them.

        They count as told: where they could not be sent, say so by `forget`. Raises DBAPIError.
        """
        followed = sorted(products)
        moment = time.monotonic()
        if moment - self._looked_at > _STALE_SECONDS:
            self.forget()  # another relay may have led meanwhile, and told more
        self._looked_at = moment
        topics = {live.product_topic(product_id) for product_id in followed}
        self._told = {what: data for what, data in self._told.items() if what[0] in topics}
        changed = []
        for frame in live.product_frames(self._next(followed)):
            what = live.what_of(frame)
            if what is not None and self._told.get(what) != frame["data"]:
                self._told[what] = frame["data"]
                changed.append(frame)
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
