"""Staff: products with all that belongs to them, their variants, prices and pictures."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request

from blueprints.api.admin.amounts import minor, prices
from blueprints.api.schemas.management import (
    Changed,
    Made,
    MadePicture,
    ManagedProducts,
    PictureChange,
    PriceBody,
    ProductChange,
    ProductDetails,
    ProductsQuery,
    SaleBody,
    ShowBody,
    VariantBody,
    VariantChange,
)
from blueprints.http.access import staff
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits, commits_itself
from blueprints.http.json import json_response, no_content
from blueprints.http.uploads import picture_words, prepared, takes_pictures, uploaded
from blueprints.http.versions import seen, tag
from quickshop.accounts.permissions import Permission
from quickshop.catalog import editing, management, pictures
from quickshop.catalog.changing import currency_of, product_of
from quickshop.catalog.service import NewVariant
from quickshop.inventory import moving
from quickshop.kernel.ids import parse_id
from quickshop.kernel.unit_of_work import reading, run_unit

blp = ApiBlueprint("admin_products", __name__, url_prefix="/api/v1/admin", description="Staff: products")

_UPLOAD = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "string", "format": "binary", "description": "JPEG, PNG, WebP or AVIF to 15 MiB"},
                    "alt": {"type": "string", "maxLength": 300, "description": "What it shows"},
                },
            }
        }
    },
}


def _product(product_id: UUID) -> Response:
    found = management.get_product(product_id)
    return json_response(found, headers=tag(found["updated_at"]))


def _made(product_id: UUID, made: UUID, **beside: Any) -> Response:
    version = management.version_of(product_id)
    return json_response({"id": str(made), "updated_at": version, **beside}, 201, tag(version))


# --- products ------------------------------------------------------------------------------------------


@blp.get("/products")
@staff(Permission.CATALOG_WRITE)
@blp.arguments(ProductsQuery, location="query")
@blp.answers(200, ManagedProducts)
def list_products(args: dict[str, Any]) -> Response:
    """All products, the newest first, on show or not."""
    return json_response(management.list_products(**args))


@blp.get("/products/<product_id>")
@staff(Permission.CATALOG_WRITE)
@blp.answers(200, ProductDetails)
def get_product(product_id: str) -> Response:
    """One product with everything. The ETag names its version for `If-Match`; stock moves without changing it."""
    return _product(parse_id(product_id, "product"))


@blp.patch("/products/<product_id>")
@staff(Permission.CATALOG_WRITE)
@blp.arguments(ProductChange)
@blp.answers(200, ProductDetails)
@commits
def change_product(body: dict[str, Any], product_id: str) -> Response:
    """Change a product. The address of a slug it had before leads to the new one."""
    known = parse_id(product_id, "product")
    changes = dict(body)
    versions = seen(changes)
    editing.edit_product(known, changes, versions)
    return _product(known)


@blp.post("/products/show")
@staff(Permission.CATALOG_WRITE)
@blp.arguments(ShowBody)
@blp.answers(200, Changed)
@commits
def show_products(body: dict[str, Any]) -> Response:
    """Put up to a hundred products on show at once, or take them off."""
    return json_response({"changed": editing.show_products(body["product_ids"], body["shown"])})


# --- variants ------------------------------------------------------------------------------------------


@blp.post("/products/<product_id>/variants")
@staff(Permission.CATALOG_WRITE)
@blp.arguments(VariantBody)
@blp.answers(201, Made)
@commits
def add_variant(body: dict[str, Any], product_id: str) -> Response:
    """Add a variant, without stock."""
    known = parse_id(product_id, "product")
    fields = dict(body)
    versions = seen(fields)
    amounts = prices(fields, currency_of(known))
    new = NewVariant(**amounts, sku=fields["sku"], options=fields["options"], weight_grams=fields["weight_grams"])
    return _made(known, editing.add_variant(known, new, versions))


@blp.patch("/variants/<variant_id>")
@staff(Permission.CATALOG_WRITE)
@blp.arguments(VariantChange)
@blp.answers(200, ProductDetails)
@commits
def change_variant(body: dict[str, Any], variant_id: str) -> Response:
    """Change a variant; the whole product is the answer."""
    known = parse_id(variant_id, "variant")
    changes = dict(body)
    versions = seen(changes)
    # Stock before products, as everywhere.
    if "low_stock_at" in changes:
        moving.set_low_at(known, changes.pop("low_stock_at"))
    if "image_id" in changes:
        changes["picture_id"] = changes.pop("image_id")
    editing.edit_variant(known, changes, versions)
    return _product(product_of(known))


@blp.delete("/variants/<variant_id>")
@staff(Permission.CATALOG_WRITE)
@blp.answers(204)
@commits
def remove_variant(variant_id: str) -> Response:
    """Take away a variant that was never bought and lies in no cart."""
    editing.remove_variant(parse_id(variant_id, "variant"), seen())
    return no_content()


@blp.put("/variants/<variant_id>/price")
@staff(Permission.CATALOG_WRITE)
@blp.arguments(PriceBody)
@blp.answers(200, ProductDetails)
@commits
def set_price(body: dict[str, Any], variant_id: str) -> Response:
    """Set the price. Carts and checkout have it at once, lists and product pages within a second."""
    known = parse_id(variant_id, "variant")
    product_id = product_of(known)
    editing.edit_price(known, **prices(body, currency_of(product_id)), seen=seen(dict(body)))
    return _product(product_id)


@blp.put("/variants/<variant_id>/sale")
@staff(Permission.CATALOG_WRITE)
@blp.arguments(SaleBody)
@blp.answers(200, ProductDetails)
@commits
def set_sale(body: dict[str, Any], variant_id: str) -> Response:
    """Arrange a sale in place of an earlier one."""
    known = parse_id(variant_id, "variant")
    product_id = product_of(known)
    price = minor(body["price"], currency_of(product_id), "price")
    editing.edit_sale(known, price, body["from_"], body["until"], seen(dict(body)))
    return _product(product_id)


@blp.delete("/variants/<variant_id>/sale")
@staff(Permission.CATALOG_WRITE)
@blp.answers(200, ProductDetails)
@commits
def end_sale(variant_id: str) -> Response:
    """End a sale, or call it off."""
    known = parse_id(variant_id, "variant")
    editing.drop_sale(known, seen())
    return _product(product_of(known))


# --- pictures ------------------------------------------------------------------------------------------


@blp.post("/products/<product_id>/images")
@staff(Permission.CATALOG_WRITE)
@takes_pictures
@blp.doc(requestBody=_UPLOAD)
@blp.answers(201, MadePicture)
@commits_itself
def add_picture(product_id: str) -> Response:
    """Upload a picture, behind those that are there. It is checked by its content and encoded anew."""
    known = parse_id(product_id, "product")
    with reading():
        management.version_of(known)
    raw = uploaded("file")
    versions, alt = seen(), picture_words(request.form.get("alt"))
    files = prepared(raw)

    def add() -> Response:
        with editing.editing(known, versions):
            picture_id = pictures.add_picture(known, files, alt)
        image = pictures.list_pictures(known)[-1]["image"]
        return _made(known, picture_id, image=image)

    return run_unit(add)


@blp.patch("/products/<product_id>/images/<image_id>")
@staff(Permission.CATALOG_WRITE)
@blp.arguments(PictureChange)
@blp.answers(200, ProductDetails)
@commits
def change_picture(body: dict[str, Any], product_id: str, image_id: str) -> Response:
    """Say anew what a picture shows, or move it."""
    known = parse_id(product_id, "product")
    changes = dict(body)
    with editing.editing(known, seen(changes)):
        pictures.change_picture(known, parse_id(image_id, "picture"), **changes)
    return _product(known)


@blp.delete("/products/<product_id>/images/<image_id>")
@staff(Permission.CATALOG_WRITE)
@blp.answers(204)
@commits
def remove_picture(product_id: str, image_id: str) -> Response:
    """Take a picture away."""
    known = parse_id(product_id, "product")
    with editing.editing(known, seen()):
        pictures.remove_picture(known, parse_id(image_id, "picture"))
    return no_content(tag(management.version_of(known)))
