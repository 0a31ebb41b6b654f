"""The shop's pages: server-rendered, working without scripts, a module per area. What is true comes from the core."""

from __future__ import annotations

from flask import Flask

from blueprints.storefront import (
    accounts,
    addresses,
    alerts,
    cart,
    catalogue,
    checkout,
    coupons,
    currencies,
    drafts,
    history,
    inbox,
    invoices,
    media,
    orders,
    payment_methods,
    preferences,
    privacy,
    profile,
    returns,
    reviews,
    security,
    sitemap,
    staying,
    support,
    wishlists,
)
from blueprints.storefront.pages import pages

# Importing them puts their views on the blueprint.
AREAS = (
    catalogue,
    sitemap,
    media,
    cart,
    currencies,
    inbox,
    checkout,
    coupons,
    orders,
    drafts,
    returns,
    invoices,
    accounts,
    history,
    profile,
    addresses,
    payment_methods,
    preferences,
    security,
    privacy,
    staying,
    reviews,
    wishlists,
    alerts,
    support,
)


def register(app: Flask) -> None:
    """Put the pages into the application."""
    app.register_blueprint(pages)
