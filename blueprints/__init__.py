"""The HTTP edge: REST API, storefront and admin pages."""

from __future__ import annotations

from flask import Flask

from blueprints import api
from blueprints.http.install import install_http, wrap_wsgi


def register(app: Flask) -> None:
    """Put the API and the pages into the application."""
    install_http(app)
    api.register(app)
    wrap_wsgi(app)
