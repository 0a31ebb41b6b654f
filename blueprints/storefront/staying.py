"""How long the browser's session still lasts, and making it last: what the warning before its end asks for."""

from __future__ import annotations

from flask import Response, g, jsonify

from blueprints.http.commits import commits
from blueprints.http.page_access import member_page_by_itself, member_page_now
from blueprints.storefront.pages import pages
from quickshop.accounts import sessions


@pages.get("/session")
@member_page_by_itself
def session_left() -> Response:
    """Seconds until the session ends unless it is used; asking is no use of it."""
    return jsonify({"seconds": sessions.seconds_left(g.caller.session_id)})


@pages.post("/session/stay")
@member_page_now
@commits
def stay_signed_in() -> Response:
    """Somebody is still there."""
    sessions.stay(g.caller.session_id)
    return jsonify({"seconds": sessions.seconds_left(g.caller.session_id)})
