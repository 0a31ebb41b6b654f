"""The invoice of an order and its credit notes, as files to save."""

from __future__ import annotations

from flask import Response

from blueprints.http.orders import viewer
from blueprints.http.page_access import shopper
from blueprints.http.papers import drawn, sent
from blueprints.storefront import guest_orders
from blueprints.storefront.pages import pages
from quickshop.invoices import printing


@pages.get("/orders/<number>/invoice.pdf")
@shopper
def invoice(number: str) -> Response:
    """The invoice of an order."""
    return sent(printing.invoice_file(number, viewer(guest_orders.token_of(number)), drawn))


@pages.get("/orders/<number>/invoices/<paper>.pdf")
@shopper
def paper(number: str, paper: str) -> Response:
    """An invoice or a credit note by its number."""
    return sent(printing.paper_file(number, paper, viewer(guest_orders.token_of(number)), drawn))
