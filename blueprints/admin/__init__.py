"""The staff's pages: live operations, orders to read, and the audit log."""

from __future__ import annotations

from flask import Flask

from blueprints.admin import audit
from blueprints.admin.views import staff

# Imported for the pages that they hang on the blueprint.
AREAS = (audit,)


def register(app: Flask) -> None:
    """Put the pages into the application."""
    app.register_blueprint(staff)
