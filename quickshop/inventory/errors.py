"""What stock refuses."""

from __future__ import annotations

from typing import TypedDict

from quickshop.kernel.errors import Conflict


class Shortage(TypedDict):
    """One variant that cannot be had in the quantity asked for."""

    variant_id: str
    sku: str
    requested: int
    available: int


class OutOfStock(Conflict):
    """At least one line cannot be had; `shortages` lists every one."""

    code, title = "out_of_stock", "Out of stock"

    def __init__(self, shortages: list[Shortage]) -> None:
        super().__init__("Some items are not available in the quantity asked for.", shortages=shortages)
        self.shortages = shortages


class StockPromised(Conflict):
    """Fewer units would be left than are promised; `on_hand` and `held` are what there is."""

    code, title = "stock_promised", "These units are promised"

    def __init__(self, on_hand: int, held: int) -> None:
        super().__init__(
            f"{on_hand} are in the house and {held} of them are promised to carts and orders; those stay.",
            on_hand=on_hand,
            held=held,
        )
