"""What checkout refuses."""

from __future__ import annotations

from quickshop.kernel.errors import Conflict, Forbidden
from quickshop.kernel.money import Money


class PriceChanged(Conflict):
    """The total the shopper saw is not the total now; both are told, nothing was bought."""

    code, title = "price_changed", "The price has changed"

    def __init__(self, expected: Money, actual: Money) -> None:
        super().__init__(
            "The total has changed since you last saw it. Look again, then confirm.",
            expected_total=expected.as_dict(),
            actual_total=actual.as_dict(),
        )


class GuestsNotServed(Forbidden):
    """This shop takes orders from members only."""

    code, title = "guest_orders_disabled", "Sign in to order"


class MixedCurrencies(Conflict):
    """The cart has prices in more than one currency; an order has one."""

    code, title = "mixed_currencies", "Several currencies in one cart"
