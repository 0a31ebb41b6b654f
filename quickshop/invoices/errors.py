"""What invoices refuse."""

from __future__ import annotations

from quickshop.kernel.errors import Conflict, ShopError


class NoInvoice(ShopError):
    """The order has no invoice: not yet, or it was never confirmed."""

    status, code, title = 404, "no_invoice", "No invoice"

    def __init__(self) -> None:
        super().__init__("An order gets its invoice a moment after it is confirmed.")


class SeriesTaken(Conflict):
    """A series counts invoices or credit notes, never both: the prefix was once the other's."""

    code, title = "series_taken", "This series counts something else"
