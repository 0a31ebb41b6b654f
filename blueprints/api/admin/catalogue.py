"""Staff: making products and categories, the category tree, attributes, and incoming stock."""

from __future__ import annotations

from typing import Any

from flask import Response

from blueprints.api.admin.amounts import prices
from blueprints.api.schemas.admin import MadeCategory, MadeProduct, NewCategoryBody, NewProductBody, StockBody
from blueprints.api.schemas.management import AttributeChange, Attributes, CategoryChange, ManagedCategories
from blueprints.http.access import staff
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits
from blueprints.http.json import json_response, no_content
from blueprints.http.pagination import page_body
from quickshop.accounts.permissions import Permission
from quickshop.catalog import categories, changing, editing, management, service
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


@blp.get("/categories")
@staff(Permission.CATALOG_WRITE)
@blp.answers(200, ManagedCategories)
def list_categories() -> Response:
    """All categories, each after the one above it."""
    return json_response(page_body(management.list_categories(), None))


@blp.patch("/categories/<category_id>")
@staff(Permission.CATALOG_WRITE)
@blp.arguments(CategoryChange)
@blp.answers(204)
@commits
def change_category(body: dict[str, Any], category_id: str) -> Response:
    """Rename, reorder or move a category with all below it. The address of an old slug leads to the new one."""
    changes = dict(body)
    version = changes.pop("version", None)
    categories.edit_category(parse_id(category_id, "category"), changes, version)
    return no_content()


@blp.delete("/categories/<category_id>")
@staff(Permission.CATALOG_WRITE)
@blp.answers(204)
@commits
def remove_category(category_id: str) -> Response:
    """Remove an empty category."""
    categories.remove_category(parse_id(category_id, "category"))
    return no_content()


@blp.get("/attributes")
@staff(Permission.CATALOG_WRITE)
@blp.answers(200, Attributes)
def list_attributes() -> Response:
    """All attributes that products describe themselves by."""
    return json_response(page_body(management.list_attributes(), None))


@blp.patch("/attributes/<path:name>")
@staff(Permission.CATALOG_WRITE)
@blp.arguments(AttributeChange)
@blp.answers(204)
@commits
def change_attribute(body: dict[str, Any], name: str) -> Response:
    """Say how an attribute is shown, in which place, and whether lists can be filtered by it."""
    changing.set_attribute(name, **body)
    return no_content()


@blp.post("/products")
@staff(Permission.CATALOG_WRITE)
@blp.arguments(NewProductBody)
@blp.answers(201, MadeProduct)
@commits
def create_product(body: dict[str, Any]) -> Response:
    """Make a product with its variants and their first stock; on show at once, from a time on, or a draft."""
    fields = dict(body)
    stock = {v["sku"]: v["stock"] for v in body["variants"]}
    variants = [_new_variant(v, i, body["currency"]) for i, v in enumerate(fields.pop("variants"))]
    until, related = fields.pop("withdrawn_at", None), fields.pop("related")
    draft = "published_at" in fields and fields["published_at"] is None
    made, ids = editing.make_product(NewProduct(variants=variants, draft=draft, **fields), until=until, related=related)
    inventory.receive({ids[sku]: units for sku, units in stock.items() if units})
    return json_response({"id": str(made), "variants": {sku: str(i) for sku, i in ids.items()}}, 201)


def _new_variant(body: dict[str, Any], number: int, currency: str) -> NewVariant:
    amounts = prices(body, currency, f"variants.{number}.")
    return NewVariant(**amounts, sku=body["sku"], options=body["options"], weight_grams=body["weight_grams"])


@blp.post("/variants/<variant_id>/stock")
@staff(Permission.CATALOG_WRITE)
@blp.arguments(StockBody)
@blp.answers(204)
@commits
def receive_stock(body: dict[str, Any], variant_id: str) -> Response:
    """Add units that arrived."""
    inventory.receive_known(parse_id(variant_id, "variant"), body["quantity"])
    return no_content()
