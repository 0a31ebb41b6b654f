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
