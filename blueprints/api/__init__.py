"""The REST API under /api/v1, its OpenAPI document, and the probes beside it. One module per domain."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask_smorest import Api

from blueprints.api import (
    addresses,
    alerts,
    auth,
    cart,
    catalogue,
    checkout,
    coupons,
    devices,
    docs,
    drafts,
    invoices,
    me,
    notifications,
    ops,
    orders,
    passkeys,
    payment_methods,
    payments,
    preferences,
    privacy,
    returns,
    reviews,
    second_factor,
    tickets,
    wishlists,
)
from blueprints.api.admin import api_keys as admin_api_keys
from blueprints.api.admin import audit as admin_audit
from blueprints.api.admin import catalogue as admin_catalogue
from blueprints.api.admin import customers as admin_customers
from blueprints.api.admin import deliveries as admin_deliveries
from blueprints.api.admin import drafts as admin_drafts
from blueprints.api.admin import foreign_prices as admin_foreign_prices
from blueprints.api.admin import imports as admin_imports
from blueprints.api.admin import invoices as admin_invoices
from blueprints.api.admin import order_work as admin_order_work
from blueprints.api.admin import orders as admin_orders
from blueprints.api.admin import parcels as admin_parcels
from blueprints.api.admin import payments as admin_payments
from blueprints.api.admin import privacy as admin_privacy
from blueprints.api.admin import products as admin_products
from blueprints.api.admin import promotions as admin_promotions
from blueprints.api.admin import returns as admin_returns
from blueprints.api.admin import reviews as admin_reviews
from blueprints.api.admin import roles as admin_roles
from blueprints.api.admin import settings as admin_settings
from blueprints.api.admin import shipping as admin_shipping
from blueprints.api.admin import stock as admin_stock
from blueprints.api.admin import taxes as admin_taxes
from blueprints.api.admin import tickets as admin_tickets
from blueprints.api.admin import webhooks as admin_webhooks
from blueprints.api.schemas.common import Problem
from blueprints.http.body import ApiBlueprint
from blueprints.http.csrf import csrf

# Every domain's blueprint; a new module is one more line here.
BLUEPRINTS: tuple[ApiBlueprint, ...] = (
    auth.blp,
    second_factor.blp,
    passkeys.blp,
    me.blp,
    privacy.blp,
    addresses.blp,
    payment_methods.blp,
    preferences.blp,
    notifications.blp,
    devices.blp,
    catalogue.blp,
    cart.blp,
    coupons.blp,
    checkout.blp,
    orders.blp,
    drafts.blp,
    invoices.blp,
    returns.blp,
    payments.blp,
    reviews.blp,
    wishlists.blp,
    alerts.blp,
    tickets.blp,
    admin_catalogue.blp,
    admin_foreign_prices.blp,
    admin_products.blp,
    admin_stock.blp,
    admin_imports.blp,
    admin_orders.blp,
    admin_order_work.blp,
    admin_drafts.blp,
    admin_parcels.blp,
    admin_invoices.blp,
    admin_returns.blp,
    admin_payments.blp,
    admin_deliveries.blp,
    admin_settings.blp,
    admin_privacy.blp,
    admin_reviews.blp,
    admin_shipping.blp,
    admin_taxes.blp,
    admin_promotions.blp,
    admin_tickets.blp,
    admin_audit.blp,
    admin_customers.blp,
    admin_roles.blp,
    admin_api_keys.blp,
    admin_webhooks.blp,
    ops.blp,
)

_SECURITY: dict[str, Any] = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "cartToken": {"type": "apiKey", "in": "header", "name": "X-Cart-Token"},
    "orderToken": {"type": "apiKey", "in": "header", "name": "X-Order-Token"},
    "draftToken": {"type": "apiKey", "in": "header", "name": "X-Draft-Token"},
    "ticketToken": {"type": "apiKey", "in": "header", "name": "X-Ticket-Token"},
}


class ShopApi(Api):
    """flask-smorest's document, with our problem documents and without its error handlers."""

    ERROR_SCHEMA = Problem
    DEFAULT_ERROR_RESPONSE_NAME = "DEFAULT_ERROR"

    def _register_error_handlers(self) -> None:
        """Errors have one translation, in blueprints/http/errors.py."""

    def _register_doc_blueprint(self) -> None:
        """The document is served by blueprints/api/docs.py, ready made."""


def register(app: Flask) -> None:
    """Put the API into the application."""
    app.config.update(API_TITLE="QuickShop", API_VERSION="v1", OPENAPI_VERSION="3.1.0")
    api = ShopApi(app)
    for name, scheme in _SECURITY.items():
        api.spec.components.security_scheme(name, scheme)
    for blueprint in BLUEPRINTS:
        csrf.exempt(blueprint)
        api.register_blueprint(blueprint)
    docs.register(app, api)
