"""The staff's pages: live operations, orders to read, customers, reviews, roles, API keys and the audit log."""

from __future__ import annotations

from flask import Flask

from blueprints.admin import api_keys, audit, customers, reviews, roles
from blueprints.admin.views import staff

# Imported for the pages that they hang on the blueprint.
AREAS = (api_keys, audit, customers, reviews, roles)


def register(app: Flask) -> None:
    """Put the pages into the application."""
    app.register_blueprint(staff)
