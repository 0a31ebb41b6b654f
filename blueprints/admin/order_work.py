"""What staff do with one order on its page besides its money and its parcels: hold, release, try again, notes."""

from __future__ import annotations

from flask import Response, g, request

from blueprints.admin.forms import Typed
from blueprints.admin.orders import STAFF, done
from blueprints.admin.views import staff
from blueprints.http import request_id
from blueprints.http.audits import audited
from blueprints.http.commits import commits_itself
from blueprints.http.page_access import staff_page
from quickshop.accounts.permissions import Permission
from quickshop.orders import holding, notes, queries, replaying


@staff.post("/orders/<number>/hold")
@staff_page(Permission.ORDERS_WRITE)
@commits_itself
def hold_order(number: str) -> Response:
    """Stop all work on an order."""
    return done(number, lambda: holding.hold(number, request_id.current()))


@staff.post("/orders/<number>/release")
@staff_page(Permission.ORDERS_WRITE)
@commits_itself
def release_order(number: str) -> Response:
    """Let an order go on that staff held."""
    return done(number, lambda: holding.release(number, request_id.current()))


@staff.post("/orders/<number>/replay")
@staff_page(Permission.ORDERS_WRITE)
@commits_itself
def replay_order(number: str) -> Response:
    """Try again what was given up of an order."""
    order_id, _ = queries.find_order(number, STAFF)
    return done(number, lambda: replaying.replay(order_id, request_id.current()))


@staff.post("/orders/<number>/notes")
@staff_page(Permission.ORDERS_WRITE)
@commits_itself
def add_note(number: str) -> Response:
    """Write a note for staff."""
    return done(number, lambda: _add_note(number))


def _add_note(number: str) -> None:
    made = notes.add(number, Typed(request.form).text("body", "The note", 2000), g.caller.user_id)
    audited(target=f"order:{number}", note=made["id"])
