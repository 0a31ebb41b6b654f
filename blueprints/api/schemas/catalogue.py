"""Shapes of the catalogue: what a list may be asked, and documents as they go out."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from blueprints.api.schemas.common import LARGEST_AMOUNT, MoneyOut, PageQuery, QueryInt
from blueprints.http.body import QuerySchema
from quickshop.search.filters import SORTS


class Currency(fields.String):
    """The currency that prices are wanted in; without it the shop's own."""

    def __init__(self) -> None:
        said = {"description": "One of the shop's currencies; prices, filters and order are in it", "example": "EUR"}
        super().__init__(load_default=None, validate=validate.Length(3, 3), metadata=said)


class PriceArgs(QuerySchema):
    """In which currency."""

    currency = Currency()


class ProductListArgs(PageQuery):
    """What to list: words, categories by slug (each with its descendants), prices in minor units, stars, an order.

    Without `sort` it is by relevance where there are words, else the newest first.
    """

    repeatable = frozenset({"category"})

    q = fields.String(load_default=None, validate=validate.Length(max=200))
    category = fields.List(
        fields.String(validate=validate.Length(1, 200)), load_default=list, validate=validate.Length(max=50)
    )
    min_price = QueryInt(0, LARGEST_AMOUNT, load_default=None)
    max_price = QueryInt(0, LARGEST_AMOUNT, load_default=None)
    min_rating = fields.Float(load_default=None, validate=validate.Range(0, 5))
    in_stock = fields.Boolean(load_default=None)
    facets = fields.Boolean(load_default=False)
    sort = fields.String(load_default=None, validate=validate.OneOf(sorted(SORTS)))
    currency = Currency()


class SuggestArgs(QuerySchema):
    """What is typed so far."""

    q = fields.String(load_default="", validate=validate.Length(max=100))
    currency = Currency()


class RatingSchema(Schema):
    """Average of 0 to 5 stars, and how many."""

    average = fields.Float()
    count = fields.Integer()


class ImageSource(Schema):
    """The same picture in a format that weighs less, for `<source>`."""

    type = fields.String()
    srcset = fields.String()


class ImageSchema(Schema):
    """A picture. `srcset` is WebP by width; `sources` are what a client takes first where it can."""

    src = fields.String()
    srcset = fields.String()
    sources = fields.List(fields.Nested(ImageSource))
    alt = fields.String()
    width = fields.Integer()
    height = fields.Integer()
    tint = fields.String()


class ProductCard(Schema):
    """A product in a list."""

    id = fields.UUID()
    slug = fields.String()
    name = fields.String()
    price = fields.Nested(MoneyOut, allow_none=True, metadata={"description": "Null: not sold in this currency"})
    compare_at_price = fields.Nested(MoneyOut, allow_none=True)
    rating = fields.Nested(RatingSchema)
    image = fields.Nested(ImageSchema, allow_none=True)
    in_stock = fields.Boolean()
    default_variant_id = fields.UUID()
    variant_count = fields.Integer()


class HighlightSchema(Schema):
    """Where the words were found, as HTML with `<mark>` only; `text` is a piece of the description."""

    name = fields.String()
    text = fields.String(allow_none=True)


class FoundProduct(ProductCard):
    """A product in a list; with words also where they were found."""

    highlight = fields.Nested(HighlightSchema)


class ValueCount(Schema):
    """A value to filter by, and how many products the list would then have of it."""

    value = fields.String()
    label = fields.String()
    count = fields.Integer()


class CategoryCount(ValueCount):
    """A category by slug, with that of the one above it."""

    parent = fields.String(allow_none=True)


class RatingCount(Schema):
    """How many products have so many stars or more."""

    value = fields.Integer()
    count = fields.Integer()


class StockCount(Schema):
    """How many products can be had, or cannot."""

    value = fields.Boolean()
    count = fields.Integer()


class PriceBucket(Schema):
    """How many products cost `min` or more and less than `max`."""

    min = fields.Nested(MoneyOut)
    max = fields.Nested(MoneyOut, allow_none=True)
    count = fields.Integer()


class PriceFacet(Schema):
    """The lowest and the highest price, and how they spread."""

    min = fields.Nested(MoneyOut, allow_none=True)
    max = fields.Nested(MoneyOut, allow_none=True)
    buckets = fields.List(fields.Nested(PriceBucket))


class FacetsSchema(Schema):
    """What the list could be narrowed by: each counted with all filters but its own.

    Of the categories the highest are given, and those directly below a chosen one or one above it.
    """

    category = fields.List(fields.Nested(CategoryCount))
    price = fields.Nested(PriceFacet)
    rating = fields.List(fields.Nested(RatingCount))
    in_stock = fields.List(fields.Nested(StockCount))
    attributes = fields.Dict(keys=fields.String(), values=fields.List(fields.Nested(ValueCount)))


class TotalSchema(Schema):
    """How many there are: exact, or a lower bound."""

    count = fields.Integer()
    exact = fields.Boolean()


class ProductPage(Schema):
    """A page of products."""

    items = fields.List(fields.Nested(FoundProduct))
    next_cursor = fields.String(allow_none=True)
    total = fields.Nested(TotalSchema)
    facets = fields.Nested(FacetsSchema, metadata={"description": "With `facets=true`"})
    corrected = fields.String(metadata={"description": "How misspelt words were understood"})


class RelatedProducts(Schema):
    """Products that go with another one."""

    items = fields.List(fields.Nested(ProductCard))
    next_cursor = fields.String(allow_none=True)


class VariantSchema(Schema):
    """A buyable form of a product; `available` are units after holds."""

    id = fields.UUID()
    sku = fields.String()
    options = fields.Dict(keys=fields.String(), values=fields.String())
    price = fields.Nested(MoneyOut, allow_none=True, metadata={"description": "Null: not sold in this currency"})
    compare_at_price = fields.Nested(MoneyOut, allow_none=True)
    available = fields.Integer()
    image = fields.Nested(ImageSchema, allow_none=True)


class CategoryRef(Schema):
    """A category by name."""

    id = fields.UUID()
    slug = fields.String()
    name = fields.String()


class ProductSchema(ProductCard):
    """The full product."""

    description = fields.String(metadata={"description": "Safe HTML"})
    labels = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        allow_none=True,
        metadata={"description": "What to call each attribute"},
    )
    attributes = fields.Dict(keys=fields.String(), values=fields.String())
    options = fields.List(fields.Dict())
    images = fields.List(fields.Nested(ImageSchema), metadata={"description": "All uploaded pictures in order"})
    categories = fields.List(fields.Nested(CategoryRef))
    variants = fields.List(fields.Nested(VariantSchema))


class CategorySchema(CategoryRef):
    """A node of the category tree; `count` includes descendants."""

    count = fields.Integer()
    children = fields.List(fields.Nested(lambda: CategorySchema()))


class CategoryTree(Schema):
    """All categories."""

    items = fields.List(fields.Nested(CategorySchema))


class CategoryName(Schema):
    """A category to go to."""

    slug = fields.String()
    name = fields.String()


class Suggestions(Schema):
    """What fits what is typed so far."""

    products = fields.List(fields.Nested(ProductCard))
    categories = fields.List(fields.Nested(CategoryName))
