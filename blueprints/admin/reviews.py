"""The page on which staff read reviews and decide on them."""

from __future__ import annotations

from uuid import UUID

from flask import Response, make_response, render_template, request

from blueprints.admin.views import staff
from blueprints.http.commits import commits_itself
from blueprints.http.page_access import staff_page
from blueprints.http.pages import go
from quickshop.accounts.permissions import Permission
from quickshop.kernel.errors import Invalid, ShopError
from quickshop.kernel.unit_of_work import run_unit
from quickshop.reviews import queries, service
from quickshop.reviews.states import State

STATES = [str(state) for state in State]
PAGE = 20
ADDRESS = "/admin/reviews"


def _page(error: ShopError | None = None) -> Response:
    asked = request.args.get("state", "pending")
    state = asked if asked in STATES else ""
    found = queries.staff_list(state or None, limit=PAGE, cursor=request.args.get("cursor") or None)
    shown = render_template(
        "staff/reviews.html",
        section="reviews",
        reviews=found,
        states=STATES,
        state=state,
        waiting=queries.waiting(),
        problem=error.detail if error else None,
    )
    return make_response(shown, error.status if error else 200)


@staff.get("/reviews")
@staff_page(Permission.REVIEWS_WRITE)
def reviews() -> Response:
    """Those that wait, in the order in which they were written; or those of another state."""
    return _page()


@staff.post("/reviews/<review_id>")
@staff_page(Permission.REVIEWS_WRITE)
@commits_itself
def decide_review(review_id: str) -> Response:
    """Show a review or turn it down."""
    found = queries.parse(review_id)
    try:
        run_unit(lambda: _decide(found))
    except ShopError as error:
        if error.status == 404:
            raise
        return _page(error)
    return go(f"{ADDRESS}?{request.query_string.decode()}")


def _decide(review_id: UUID) -> None:
    form = request.form
    version = int(form["version"]) if form.get("version", "").isdecimal() and len(form["version"]) < 9 else None
    if form.get("decision") == "publish":
        service.approve(review_id, version)
        return
    reason = form.get("reason", "").strip()
    if not 0 < len(reason) <= service.LONGEST_REASON:
        message = f"Say why, in {service.LONGEST_REASON} characters at most; the author is shown it."
        raise Invalid({"reason": [message]}, message)
    service.reject(review_id, reason, version)
