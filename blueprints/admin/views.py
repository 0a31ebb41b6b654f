"""Views of the staff's pages. Numbers that move come over the socket; here is what stands when a page opens."""

from __future__ import annotations

from flask import Blueprint, render_template

from blueprints.admin.sections import navigation
from blueprints.http.page_access import staff_page
from quickshop.accounts.permissions import Permission
from quickshop.orders import queries

staff = Blueprint("staff", __name__, url_prefix="/admin", template_folder="templates")
staff.context_processor(navigation)

FEED = 50


@staff.get("")
@staff_page(Permission.METRICS_READ)
def live() -> str:
    """Live operations, with the latest orders already in the feed."""
    latest = queries.list_orders(limit=FEED)["items"]
    recent = [{**order, "at": order["placed_at"]} for order in latest]
    return render_template("staff/live.html", section="live", recent=recent)
