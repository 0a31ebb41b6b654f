"""The pages of staff: live, orders, catalogue, stock, imports, shipping, tax, customers, reviews, roles, keys, log."""

from __future__ import annotations

from flask import Flask

from blueprints.admin import (
    api_keys,
    audit,
    categories,
    customers,
    drafts,
    imports,
    invoices,
    messages,
    order_lists,
    order_work,
    orders,
    parcels,
    payments,
    products,
    promotions,
    returns,
    reviews,
    risk,
    roles,
    shipping,
    shop_details,
    stock,
    taxes,
    tickets,
    variants,
    webhooks,
)
from blueprints.admin.views import staff

# Imported for the pages that they hang on the blueprint.
AREAS = (
    order_lists,
    order_work,
    orders,
    parcels,
    returns,
    payments,
    invoices,
    messages,
    products,
    variants,
    categories,
    stock,
    imports,
    shipping,
    taxes,
    promotions,
    api_keys,
    audit,
    customers,
    drafts,
    reviews,
    tickets,
    risk,
    roles,
    shop_details,
    webhooks,
)


def register(app: Flask) -> None:
    """Put the pages into the application."""
    app.register_blueprint(staff)
