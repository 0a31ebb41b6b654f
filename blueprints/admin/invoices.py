"""The page of all invoices and credit notes."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Response, make_response, render_template, request

from blueprints.admin.views import staff
from blueprints.http.page_access import staff_page
from blueprints.http.papers import drawn, sent
from quickshop.accounts.permissions import Permission
from quickshop.invoices import printing, queries
from quickshop.invoices.documents import Kind
from quickshop.orders.viewers import Viewer

KINDS = [str(kind) for kind in Kind]
LONGEST_QUERY = 40


def _asked() -> dict[str, Any]:
    """What the page was asked for; what cannot be is left out."""
    kind = request.args.get("kind")
    return {
        "kind": kind if kind in KINDS else None,
        "q": (request.args.get("q") or "").strip()[:LONGEST_QUERY] or None,
        "since": _day("since"),
        "until": _day("until"),
    }


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(request.args.get(name) or "")
    except ValueError:
        return None


@staff.get("/invoices")
@staff_page(Permission.ORDERS_READ)
def invoice_list() -> Response:
    """Invoices and credit notes, the newest first; by kind, number, order and day."""
    asked = _asked()
    shown = render_template(
        "staff/invoices.html",
        section="invoices",
        papers=queries.list_invoices(**asked, cursor=request.args.get("cursor") or None),
        series=queries.series(),
        asked=asked,
        kinds=KINDS,
        following={name: str(value) for name, value in asked.items() if value is not None},
    )
    return make_response(shown)


@staff.get("/orders/<number>/invoices/<paper>.pdf")
@staff_page(Permission.ORDERS_READ)
def invoice_file(number: str, paper: str) -> Response:
    """An invoice or a credit note as a file."""
    return sent(printing.paper_file(number, paper, Viewer(staff=True), drawn))
