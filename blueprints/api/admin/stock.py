"""Staff: stock, its movements, and what runs low."""

from __future__ import annotations

from typing import Any

from flask import Response

from blueprints.api.schemas.management import (
    LowQuery,
    LowStock,
    MovedStock,
    MovementBody,
    Movements,
    MovementsQuery,
)
from blueprints.http.access import staff
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits
from blueprints.http.idempotency import idempotent
from blueprints.http.json import json_response
from quickshop.accounts.permissions import Permission
from quickshop.inventory import moving, watching
from quickshop.kernel.ids import parse_id

blp = ApiBlueprint("admin_stock", __name__, url_prefix="/api/v1/admin", description="Staff: stock")


@blp.post("/variants/<variant_id>/stock-movements")
@staff(Permission.CATALOG_WRITE)
@blp.arguments(MovementBody)
@blp.answers(201, MovedStock)
@commits
@idempotent(required=False)
def move_stock(body: dict[str, Any], variant_id: str) -> Response:
    """Note units that came or went. Fewer than are promised to carts and orders never stay: 409 `stock_promised`."""
    known = parse_id(variant_id, "variant")
    moved = moving.move(known, body["delta"], body["cause"], body["note"])
    return json_response({"id": moved, "stock": moving.stock_of(known)}, 201)


@blp.get("/variants/<variant_id>/stock-movements")
@staff(Permission.CATALOG_WRITE)
@blp.arguments(MovementsQuery, location="query")
@blp.answers(200, Movements)
def list_variant_movements(args: dict[str, Any], variant_id: str) -> Response:
    """The movements of a variant, the latest first."""
    known = parse_id(variant_id, "variant")
    moving.stock_of(known)
    return json_response(moving.list_movements(variant_id=known, **args))


@blp.get("/stock/movements")
@staff(Permission.CATALOG_WRITE)
@blp.arguments(MovementsQuery, location="query")
@blp.answers(200, Movements)
def list_movements(args: dict[str, Any]) -> Response:
    """All movements, the latest first."""
    return json_response(moving.list_movements(**args))


@blp.get("/stock/low")
@staff(Permission.CATALOG_WRITE)
@blp.arguments(LowQuery, location="query")
@blp.answers(200, LowStock)
def list_low(args: dict[str, Any]) -> Response:
    """What runs low at this moment, the lowest first."""
    return json_response({**watching.list_low(**args), "total": watching.count_low()})
