"""Staff: all invoices and credit notes."""

from __future__ import annotations

from typing import Any

from flask import Response

from blueprints.api.schemas.invoices import InvoicePage, InvoiceQuery, SeriesList
from blueprints.http.access import staff
from blueprints.http.body import ApiBlueprint
from blueprints.http.json import json_response
from blueprints.http.pagination import page_body
from quickshop.accounts.permissions import Permission
from quickshop.invoices import queries

blp = ApiBlueprint("admin_invoices", __name__, url_prefix="/api/v1/admin", description="Staff: invoices")


@blp.get("/invoices")
@staff(Permission.ORDERS_READ)
@blp.arguments(InvoiceQuery, location="query")
@blp.answers(200, InvoicePage)
def list_invoices(args: dict[str, Any]) -> Response:
    """Invoices and credit notes, the newest first; by kind, number, order and day of issue."""
    return json_response(queries.list_invoices(**args))


@blp.get("/invoice-series")
@staff(Permission.ORDERS_READ)
@blp.answers(200, SeriesList)
def list_series() -> Response:
    """The series, their last numbers, and whether none is missing."""
    return json_response(page_body(queries.series(), None))
