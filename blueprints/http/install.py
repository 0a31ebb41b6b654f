"""Puts all of this package into an application, in the order that matters."""

from __future__ import annotations

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from blueprints.http.border import Border
from blueprints.http.csrf import install_csrf
from blueprints.http.errors import install_errors
from blueprints.http.gatekeeper import install_gatekeeper
from blueprints.http.hashing import install_hashing
from blueprints.http.tokens import install_tokens
from quickshop.extensions import settings


def install_http(app: Flask) -> None:
    """Errors, tokens, CSRF and the gatekeeper: before any route is registered."""
    install_errors(app)
    install_tokens(app)
    install_csrf(app)
    install_gatekeeper(app)
    install_hashing()


def wrap_wsgi(app: Flask) -> None:
    """What surrounds the application as a whole: the real client's address, and the border."""
    with app.app_context():
        found = settings()
    hops = found.trusted_proxies
    if hops:
        proxy = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)
        app.wsgi_app = proxy  # type: ignore[method-assign]
    app.wsgi_app = Border(app.wsgi_app, found)  # type: ignore[method-assign]
