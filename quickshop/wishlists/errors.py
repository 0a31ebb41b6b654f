"""What wishlists and alerts refuse."""

from __future__ import annotations

from quickshop.kernel.errors import Conflict, ShopError


class TooManyLists(ShopError):
    """A member has room for 50 lists."""

    status, code, title = 422, "too_many_wishlists", "Too many lists"


class WishlistFull(ShopError):
    """A list has room for 500 different items."""

    status, code, title = 422, "wishlist_full", "This list is full"


class InStock(Conflict):
    """An alert was asked for on something that can be had now."""

    code, title = "in_stock", "It is in stock"

    def __init__(self) -> None:
        super().__init__("This can be ordered now, so there is nothing to wait for.")


class TooManyAlerts(ShopError):
    """A member waits for 200 things at most."""

    status, code, title = 422, "too_many_alerts", "Too many alerts"
