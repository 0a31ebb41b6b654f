"""What a cart refuses."""

from __future__ import annotations

from quickshop.kernel.errors import Conflict, ShopError


class CartClosed(Conflict):
    """The cart became an order already, or was merged into another."""

    code, title = "cart_closed", "This cart is closed"


class CartEmpty(ShopError):
    """There is nothing in the cart to check out."""

    status, code, title = 422, "cart_empty", "The cart is empty"


class CartFull(ShopError):
    """A cart has room for 500 different items."""

    status, code, title = 422, "cart_full", "The cart is full"


class NotPriced(Conflict):
    """The variant has no price in the cart's currency."""

    code, title = "no_price_in_currency", "Not sold in this currency"


class ItemsUnavailable(Conflict):
    """Something in the cart cannot be bought any more, or not in the cart's currency; what it is stands beside it."""

    code, title = "items_unavailable", "Something in the cart cannot be bought"

    def __init__(self, items: list[dict[str, str]]) -> None:
        super().__init__("Take out what cannot be bought, then go on.", items=items)
