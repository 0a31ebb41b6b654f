"""The shop's pages: server-rendered, working without scripts, a module per area. What is true comes from the core."""

from __future__ import annotations

from flask import Flask

from blueprints.storefront import (
    accounts,
    alerts,
    cart,
    catalogue,
    checkout,
    orders,
    privacy,
    profile,
    reviews,
    security,
    staying,
    wishlists,
)
from blueprints.storefront.pages import pages

# Importing them puts their views on the blueprint.
AREAS = (
    catalogue,
    cart,
    checkout,
    orders,
    accounts,
    privacy,
    profile,
    security,
    staying,
    reviews,
    wishlists,
    alerts,
)


def register(app: Flask) -> None:
    """Put the pages into the application."""
    app.register_blueprint(pages)
