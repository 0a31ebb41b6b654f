"""Catalogue reads: categories, product lists, products. With ETag and 304."""

from __future__ import annotations

import hashlib
from typing import Any, cast

from flask import Response, request

from blueprints.api.schemas.catalogue import CategoryTree, ProductListArgs, ProductPage, ProductSchema
from blueprints.http.access import public
from blueprints.http.body import ApiBlueprint
from blueprints.http.json import json_response
from blueprints.http.pagination import page_body
from quickshop.catalog import queries
from quickshop.catalog.queries import ProductQuery

blp = ApiBlueprint("catalogue", __name__, url_prefix="/api/v1", description="What the shop sells")


def tagged(body: dict[str, Any]) -> Response:
    """The body with a strong ETag; 304 without it where the client has it already."""
    response = json_response(body)
    response.set_etag(hashlib.blake2b(response.get_data(), digest_size=12).hexdigest())
    response.headers["Cache-Control"] = "public, max-age=1"
    return cast(Response, response.make_conditional(request))


@blp.get("/categories")
@public
@blp.answers(200, CategoryTree)
def list_categories() -> Response:
    """The category tree with counts."""
    return tagged(page_body(queries.list_categories(), None))


@blp.get("/products")
@public
@blp.arguments(ProductListArgs, location="query")
@blp.answers(200, ProductPage)
def list_products(args: dict[str, Any]) -> Response:
    """A page of products."""
    return tagged(queries.list_products(ProductQuery(**args)))


@blp.get("/products/<slug_or_id>")
@public
@blp.answers(200, ProductSchema)
def get_product(slug_or_id: str) -> Response:
    """The full product, by slug or id."""
    return tagged(queries.get_product(slug_or_id))
