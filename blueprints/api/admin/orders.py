"""Staff: orders."""

from __future__ import annotations

from typing import Any

from flask import Response

from blueprints.api.schemas.orders import OrderListArgs, OrderPage, OrderSchema
from blueprints.http.access import staff
from blueprints.http.body import ApiBlueprint
from blueprints.http.json import json_response
from quickshop.accounts.permissions import Permission
from quickshop.orders import queries
from quickshop.orders.viewers import Viewer

blp = ApiBlueprint("admin_orders", __name__, url_prefix="/api/v1/admin", description="Staff: orders")


@blp.get("/orders")
@staff(Permission.ORDERS_READ)
@blp.arguments(OrderListArgs, location="query")
@blp.answers(200, OrderPage)
def list_orders(args: dict[str, Any]) -> Response:
    """All orders, newest first; by status or client_reference."""
    return json_response(queries.list_orders(**args))


@blp.get("/orders/<number>")
@staff(Permission.ORDERS_READ)
@blp.answers(200, OrderSchema)
def get_order(number: str) -> Response:
    """One order."""
    return json_response(queries.order_view(number, Viewer(staff=True)))
