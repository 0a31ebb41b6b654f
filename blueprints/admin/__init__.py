"""The staff's pages: live operations, and orders to read."""

from __future__ import annotations

from flask import Flask

from blueprints.admin.views import staff


def register(app: Flask) -> None:
    """Put the pages into the application."""
    app.register_blueprint(staff)
