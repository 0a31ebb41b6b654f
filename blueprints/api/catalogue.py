"""Catalogue reads: categories, product lists with filters and facets, products, suggestions. With ETag and 304."""

from __future__ import annotations

from typing import Any

from flask import request

from blueprints.api.schemas.catalogue import (
    CategoryTree,
    PriceArgs,
    ProductListArgs,
    ProductPage,
    ProductSchema,
    RelatedProducts,
    SuggestArgs,
    Suggestions,
)
from blueprints.http.access import public
from blueprints.http.body import ApiBlueprint
from blueprints.http.json import dumps
from blueprints.http.limits import limited
from blueprints.http.pagination import page_body
from blueprints.http.shared import shared
from quickshop.catalog import queries
from quickshop.search.filters import ProductQuery, attributes_of
from quickshop.search.queries import list_json
from quickshop.search.suggestions import suggest_json

blp = ApiBlueprint("catalogue", __name__, url_prefix="/api/v1", description="What the shop sells")


@blp.get("/categories")
@public
@shared
@blp.answers(200, CategoryTree)
def list_categories() -> bytes:
    """The category tree with counts."""
    return dumps(page_body(queries.list_categories(), None))


@blp.get("/products")
@public
@shared
@blp.arguments(ProductListArgs, location="query")
@blp.answers(200, ProductPage)
def list_products(args: dict[str, Any]) -> bytes:
    """A page of products.

    Beside the parameters below `attr.NAME=VALUE` filters by an attribute. A filter given several times takes any of its
    values; different filters must all hold. With `facets=true` each facet counts what its values would give together
    with all other filters, its own left out. In another `currency` than the shop's own the list holds what is sold in
    it.
    """
    return list_json(ProductQuery(**args, attributes=attributes_of(request.args)))


@blp.get("/products/<slug_or_id>")
@public
@shared
@blp.arguments(PriceArgs, location="query")
@blp.answers(200, ProductSchema)
def get_product(args: dict[str, Any], slug_or_id: str) -> bytes:
    """The full product, by slug or id; a slug it had before still finds it."""
    return queries.product_json(slug_or_id, args["currency"])


@blp.get("/products/<slug_or_id>/related")
@public
@shared
@blp.arguments(PriceArgs, location="query")
@blp.answers(200, RelatedProducts)
def related_products(args: dict[str, Any], slug_or_id: str) -> bytes:
    """What goes with a product: chosen by staff, then the most bought of its category."""
    return queries.related_json(queries.product_id_of(slug_or_id), currency=args["currency"])


@blp.get("/search/suggest")
@public
@limited("search")
@shared
@blp.arguments(SuggestArgs, location="query")
@blp.answers(200, Suggestions)
def suggest(args: dict[str, Any]) -> bytes:
    """Products and categories that fit what is typed so far."""
    return suggest_json(args["q"], args["currency"])
