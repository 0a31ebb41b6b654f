"""The HTTP edge: REST API, storefront and admin pages."""

from __future__ import annotations

from flask import Flask

from blueprints import admin, api, storefront
from blueprints.http.install import install_http, wrap_wsgi
from blueprints.http.pages import install_pages


def register(app: Flask) -> None:
    """Put the API and the pages into the application."""
    install_http(app)
    api.register(app)
    install_pages(app)
    storefront.register(app)
    admin.register(app)
    wrap_wsgi(app)
