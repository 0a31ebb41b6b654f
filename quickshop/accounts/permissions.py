"""What staff may do, as `resource:action`. Roles are sets of these; nothing asks for a role by name."""

from __future__ import annotations

from enum import StrEnum


class Permission(StrEnum):
    """Every permission that a route or a topic may ask for."""

    API_KEYS_WRITE = "api-keys:write"
    AUDIT_READ = "audit:read"
    CATALOG_WRITE = "catalog:write"
    CUSTOMERS_ERASE = "customers:erase"
    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_WRITE = "customers:write"
    METRICS_READ = "metrics:read"
    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    PROMOTIONS_WRITE = "promotions:write"
    REVIEWS_WRITE = "reviews:write"
    ROLES_READ = "roles:read"
    ROLES_WRITE = "roles:write"
    SETTINGS_WRITE = "settings:write"
    TICKETS_WRITE = "tickets:write"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
