"""What every page stands on: cookies, static files, filters, shared templates, and who is looking."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, Response, g, redirect, request

from blueprints.http.assets import mount_static
from blueprints.http.cookies import install_cookies
from blueprints.http.formatting import install_formatting
from blueprints.http.page_access import page_caller
from quickshop.accounts import sessions
from quickshop.accounts.permissions import Permission
from quickshop.extensions import settings

common = Blueprint("common", __name__, template_folder="templates")


def viewer() -> dict[str, Any]:
    """Who looks, in the words of the layouts; also on error pages, which no guard has run for."""
    caller = g.caller if "caller" in g else page_caller()
    return {
        "signed_in": caller.signed_in,
        "name": caller.username,
        "email_verified": caller.email_verified,
        "staff": caller.may(Permission.METRICS_READ),
        "seconds_left": sessions.seconds_left(caller.session_id) if caller.session_id else 0,
    }


def go(address: str) -> Response:
    """After a form that worked: a page that can be reloaded."""
    return redirect(address, 303)  # type: ignore[return-value]


def is_htmx() -> bool:
    """Whether htmx asks for a part of a page."""
    return request.headers.get("HX-Request") == "true"


def asks_for(target_id: str) -> bool:
    """Whether htmx will put the answer into the element of this id."""
    return is_htmx() and request.headers.get("HX-Target", "").endswith(f"#{target_id}")


def install_pages(app: Flask) -> None:
    """Prepare the application for pages; before the page blueprints are registered."""
    install_cookies(app)
    install_formatting(app)
    with app.app_context():
        cache = settings().home / "cache"
    mount_static(app, cache)
    app.register_blueprint(common)
    app.context_processor(lambda: {"viewer": viewer()})
