"""What staff may do, as `resource:action`. Roles are sets of these; nothing asks for a role by name."""

from __future__ import annotations

from enum import StrEnum


class Permission(StrEnum):
    """Every permission that a route or a topic may ask for."""

    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    METRICS_READ = "metrics:read"
    CATALOG_WRITE = "catalog:write"
    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_WRITE = "customers:write"
