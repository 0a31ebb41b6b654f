"""The shop's pages: server-rendered, working without scripts, a module per area. What is true comes from the core."""

from __future__ import annotations

from flask import Flask

from blueprints.storefront import accounts, cart, catalogue, checkout, orders, privacy, sitemap
from blueprints.storefront.pages import pages

# Importing them puts their views on the blueprint.
AREAS = (catalogue, sitemap, cart, checkout, orders, accounts, privacy)


def register(app: Flask) -> None:
    """Put the pages into the application."""
    app.register_blueprint(pages)
