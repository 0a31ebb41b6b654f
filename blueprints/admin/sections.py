"""The areas of the staff's pages: what the navigation shows, and the permission that each needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import g

from quickshop.accounts.callers import ANONYMOUS
from quickshop.accounts.permissions import Permission

# key, address, icon, label, permission
SECTIONS = (
    ("live", "/admin", "activity", "Live", Permission.METRICS_READ),
    ("orders", "/admin/orders", "receipt-text", "Orders", Permission.ORDERS_READ),
    ("drafts", "/admin/draft-orders", "pencil", "Draft orders", Permission.ORDERS_READ),
    ("processing", "/admin/processing", "hourglass", "Processing", Permission.ORDERS_READ),
    ("returns", "/admin/returns", "package-check", "Returns", Permission.ORDERS_READ),
    ("messages", "/admin/messages", "mail", "Messages", Permission.ORDERS_READ),
    ("payments", "/admin/payments", "credit-card", "Payments", Permission.ORDERS_READ),
    ("invoices", "/admin/invoices", "scroll-text", "Invoices", Permission.ORDERS_READ),
    ("risk", "/admin/risk", "circle-alert", "Risk", Permission.ORDERS_READ),
    ("products", "/admin/products", "package", "Products", Permission.CATALOG_WRITE),
    ("categories", "/admin/categories", "tag", "Categories", Permission.CATALOG_WRITE),
    ("stock", "/admin/stock", "boxes", "Stock", Permission.CATALOG_WRITE),
    ("imports", "/admin/imports", "upload", "Imports", Permission.CATALOG_WRITE),
    ("shipping", "/admin/shipping", "truck", "Shipping", Permission.CATALOG_WRITE),
    ("taxes", "/admin/taxes", "tag", "Taxes", Permission.CATALOG_WRITE),
    ("coupons", "/admin/coupons", "badge-check", "Promotions", Permission.PROMOTIONS_WRITE),
    ("gift-cards", "/admin/gift-cards", "credit-card", "Gift cards", Permission.PROMOTIONS_WRITE),
    ("customers", "/admin/customers", "users-round", "Customers", Permission.CUSTOMERS_READ),
    ("roles", "/admin/roles", "shield-check", "Roles", Permission.ROLES_READ),
    ("api-keys", "/admin/api-keys", "key-round", "API keys", Permission.API_KEYS_WRITE),
    ("webhooks", "/admin/webhooks", "share-2", "Webhooks", Permission.WEBHOOKS_READ),
    ("tickets", "/admin/tickets", "mail", "Support", Permission.TICKETS_WRITE),
    ("reviews", "/admin/reviews", "star", "Reviews", Permission.REVIEWS_WRITE),
    ("settings", "/admin/settings", "lock", "Settings", Permission.SETTINGS_WRITE),
    ("audit", "/admin/audit", "scroll-text", "Audit", Permission.AUDIT_READ),
)


# What the navigation puts together; a section that stands in none comes last.
GROUPS = (
    (
        "Day to day",
        (
            "live",
            "orders",
            "drafts",
            "processing",
            "returns",
            "risk",
            "payments",
            "invoices",
            "customers",
            "tickets",
            "messages",
            "reviews",
        ),
    ),
    ("Catalogue", ("products", "categories", "stock", "imports")),
    ("Selling", ("coupons", "gift-cards", "shipping", "taxes")),
    ("The house", ("roles", "api-keys", "webhooks", "audit", "settings")),
)


def _groups() -> list[tuple[str, list[Any]]]:
    by_key = {section[0]: section for section in SECTIONS}
    found = [(label, [by_key.pop(key) for key in keys if key in by_key]) for label, keys in GROUPS]
    found[-1][1].extend(by_key.values())
    return found


def navigation() -> dict[str, Any]:
    """What every template of the staff is given."""
    may: Callable[[Permission], bool] = g.get("caller", ANONYMOUS).may
    shown = [(label, [s for s in sections if may(s[4])]) for label, sections in _groups()]
    return {"staff_groups": [(label, sections) for label, sections in shown if sections], "may": may}
