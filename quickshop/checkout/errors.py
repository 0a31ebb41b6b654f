"""What checkout refuses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from quickshop.kernel.clock import rfc3339
from quickshop.kernel.errors import Conflict, Forbidden
from quickshop.kernel.money import Money


class PriceChanged(Conflict):
    """The total the shopper saw is not the total now; nothing was bought.

    Both are told, and the items whose price is another one than they last saw.
    """

    code, title = "price_changed", "The price has changed"

    def __init__(self, expected: Money, actual: Money, changes: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(
            "The total has changed since you last saw it. Look again, then confirm.",
            expected_total=expected.as_dict(),
            actual_total=actual.as_dict(),
            changes=list(changes),
        )


class HoldOver(Conflict):
    """The cart has held its stock for as long as it may, until it may anew (`again_at`). It can still be ordered."""

    code, title = "hold_over", "The stock can be held no longer"

    def __init__(self, again_at: datetime) -> None:
        super().__init__("Others may buy these now. You can still order what is there.", again_at=rfc3339(again_at))


class GuestsNotServed(Forbidden):
    """This shop takes orders from members only."""

    code, title = "guest_orders_disabled", "Sign in to order"


class DraftClosed(Conflict):
    """The draft was paid, cancelled, or its time is over."""

    code, title = "draft_closed", "This draft cannot be paid any more"
