"""Staff: categories, products and incoming stock."""

from __future__ import annotations

from typing import Any

from flask import Response

from blueprints.api.schemas.admin import MadeCategory, MadeProduct, NewCategoryBody, NewProductBody, StockBody
from blueprints.http.access import staff
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits
from blueprints.http.json import json_response, no_content
from quickshop.accounts.permissions import Permission
from quickshop.catalog import service
from quickshop.catalog.service import NewProduct, NewVariant
from quickshop.inventory import service as inventory
from quickshop.kernel.ids import parse_id

blp = ApiBlueprint("admin_catalogue", __name__, url_prefix="/api/v1/admin", description="Staff: the catalogue")


@blp.post("/categories")
@staff(Permission.CATALOG_WRITE)
@blp.arguments(NewCategoryBody)
@blp.answers(201, MadeCategory)
@commits
def create_category(body: dict[str, Any]) -> Response:
    """Make a category."""
    made = service.create_category(body.pop("slug"), body.pop("name"), **body)
    return json_response({"id": str(made)}, 201)


@blp.post("/products")
@staff(Permission.CATALOG_WRITE)
@blp.arguments(NewProductBody)
@blp.answers(201, MadeProduct)
@commits
def create_product(body: dict[str, Any]) -> Response:
    """Make a product with its variants and their first stock, published at once."""
    stock = {v["sku"]: v["stock"] for v in body["variants"]}
    variants = [NewVariant(**{k: x for k, x in v.items() if k != "stock"}) for v in body["variants"]]
    made, ids = service.create_product(NewProduct(**{**body, "variants": variants}))
    inventory.receive({ids[sku]: units for sku, units in stock.items() if units})
    return json_response({"id": str(made), "variants": {sku: str(i) for sku, i in ids.items()}}, 201)


@blp.post("/variants/<variant_id>/stock")
@staff(Permission.CATALOG_WRITE)
@blp.arguments(StockBody)
@blp.answers(204)
@commits
def receive_stock(body: dict[str, Any], variant_id: str) -> Response:
    """Add units that arrived."""
    inventory.receive_known(parse_id(variant_id, "variant"), body["quantity"])
    return no_content()
