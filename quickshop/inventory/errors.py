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
