"""The page of what does not add up between the payment provider's books, ours and the orders."""

from __future__ import annotations

from flask import Response, g, make_response, render_template, request

from blueprints.admin.forms import Typed
from blueprints.admin.views import staff
from blueprints.http.audits import audited
from blueprints.http.commits import commits_itself
from blueprints.http.page_access import staff_page
from blueprints.http.pages import go
from quickshop.accounts.permissions import Permission
from quickshop.kernel.errors import ShopError
from quickshop.kernel.ids import parse_id
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders.breaks import list_breaks
from quickshop.payments import breaks

ADDRESS = "/admin/payments"
STATES = ("open", "closed")


def _page(error: ShopError | None = None) -> Response:
    asked = request.args.get("state", "open")
    state = asked if asked in STATES else "open"
    shown = render_template(
        "staff/payments.html",
        section="payments",
        breaks=list_breaks(state=state, cursor=request.args.get("cursor") or None),
        state=state,
        may_close=g.caller.may(Permission.ORDERS_WRITE),
        problem=error.detail if error else None,
    )
    return make_response(shown, error.status if error else 200)


@staff.get("/payments")
@staff_page(Permission.ORDERS_READ)
def payments() -> Response:
    """Breaks that stand open, the newest first, or those that were closed."""
    return _page()


@staff.post("/payments/<break_id>/close")
@staff_page(Permission.ORDERS_WRITE)
@commits_itself
def close_break(break_id: str) -> Response:
    """Close a break by hand and say why."""
    found = parse_id(break_id, "break")
    try:
        words = Typed(request.form).text("note", "The note", 500)
        run_unit(lambda: breaks.close(found, words))
    except ShopError as error:
        if error.status == 404:
            raise
        return _page(error)
    audited(target=f"break:{found}")
    return go(ADDRESS)
