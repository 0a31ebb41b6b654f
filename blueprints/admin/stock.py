"""Stock on the staff's pages: what runs low, and every movement."""

from __future__ import annotations

from flask import render_template, request

from blueprints.admin.views import staff
from blueprints.http.page_access import staff_page
from quickshop.accounts.permissions import Permission
from quickshop.extensions import settings
from quickshop.inventory import moving, watching
from quickshop.kernel.ids import parse_id

CAUSES = ("sold", *moving.CAUSES)


@staff.get("/stock")
@staff_page(Permission.CATALOG_WRITE)
def stock() -> str:
    """What runs low, the lowest first, and the latest movements: all, of one variant, or for one cause."""
    given = request.args
    cause, variant = given.get("cause", ""), given.get("variant", "")
    variant_id = parse_id(variant, "variant") if variant else None
    movements = moving.list_movements(
        cause=cause if cause in CAUSES else None, variant_id=variant_id, cursor=given.get("cursor")
    )
    return render_template(
        "staff/stock.html",
        section="stock",
        low=watching.list_low(cursor=given.get("low")),
        low_count=watching.count_low(),
        low_at=settings().low_stock_at,
        movements=movements,
        causes=CAUSES,
        chosen={"cause": cause, "variant": variant},
    )
