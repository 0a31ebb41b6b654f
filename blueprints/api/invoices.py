"""Invoices and credit notes of an order, by API."""

from __future__ import annotations

from flask import Response, request

from blueprints.api.schemas.invoices import InvoiceList
from blueprints.http.access import anyone
from blueprints.http.body import ApiBlueprint
from blueprints.http.json import json_response
from blueprints.http.orders import viewer
from blueprints.http.pagination import page_body
from blueprints.http.papers import drawn, sent
from quickshop.invoices import printing, queries

blp = ApiBlueprint("invoices", __name__, url_prefix="/api/v1", description="Invoices and credit notes")

TOKEN_HEADER = "X-Order-Token"  # noqa: S105 - the header's name


@blp.get("/orders/<number>/invoices")
@anyone
@blp.answers(200, InvoiceList)
def list_of_order(number: str) -> Response:
    """The invoice of an order, then its credit notes; for its member, or the guest who sends its X-Order-Token."""
    return json_response(page_body(queries.order_invoices(number, viewer(_order_token())), None))


@blp.get("/orders/<number>/invoice.pdf")
@anyone
@blp.answers(200, description="A PDF")
def get_invoice(number: str) -> Response:
    """The invoice of an order: 404 `no_invoice` until a moment after it was confirmed. Always the same bytes."""
    return sent(printing.invoice_file(number, viewer(_order_token()), drawn))


@blp.get("/orders/<number>/invoices/<invoice>.pdf")
@anyone
@blp.answers(200, description="A PDF")
def get_paper(number: str, invoice: str) -> Response:
    """An invoice or credit note by its number. Always the same bytes."""
    return sent(printing.paper_file(number, invoice, viewer(_order_token()), drawn))


def _order_token() -> str | None:
    return request.headers.get(TOKEN_HEADER)
