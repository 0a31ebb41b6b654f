"""Puts all of this package into an application, in the order that matters."""

from __future__ import annotations

from flask import Flask, abort, request
from werkzeug.middleware.proxy_fix import ProxyFix

from blueprints.http.admission import install_admission
from blueprints.http.csrf import install_csrf
from blueprints.http.errors import install_errors
from blueprints.http.hashing import install_hashing
from blueprints.http.headers import SecurityHeaders
from blueprints.http.limits import install_limits
from blueprints.http.request_id import install_request_ids
from blueprints.http.timing import install_timing
from blueprints.http.tokens import install_tokens
from quickshop.extensions import settings


def _refuse_nul() -> None:
    """No text column holds NUL, so no address may."""
    if "\0" in request.path or b"%00" in request.query_string:
        abort(404 if "\0" in request.path else 400)


def install_http(app: Flask) -> None:
    """Errors, ids, limits, admission, tokens, CSRF: before any route is registered."""
    install_errors(app)
    install_timing(app)
    install_request_ids(app)
    app.before_request(_refuse_nul)
    install_tokens(app)
    install_limits(app)
    install_admission(app)
    install_csrf(app)
    install_hashing()


def wrap_wsgi(app: Flask) -> None:
    """What surrounds the application as a whole: the real client's address, and headers on every answer."""
    with app.app_context():
        found = settings()
    hops = found.trusted_proxies
    if hops:
        proxy = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)
        app.wsgi_app = proxy  # type: ignore[method-assign]
    app.wsgi_app = SecurityHeaders(app.wsgi_app, found)  # type: ignore[method-assign]
