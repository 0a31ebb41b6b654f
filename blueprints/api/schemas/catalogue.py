"""Shapes of the catalogue: what a list may be asked, and documents as they go out."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from blueprints.api.schemas.common import LARGEST_AMOUNT, MoneyOut, PageQuery, QueryInt
from quickshop.catalog.queries import SORTS


class ProductListArgs(PageQuery):
    """What to list: words, categories by slug (each with its descendants), a price range in minor units, an order."""

    repeatable = frozenset({"category"})

    q = fields.String(load_default=None, validate=validate.Length(max=200))
    category = fields.List(fields.String(validate=validate.Length(1, 200)), load_default=list)
    min_price = QueryInt(0, LARGEST_AMOUNT, load_default=None)
    max_price = QueryInt(0, LARGEST_AMOUNT, load_default=None)
    in_stock = fields.Boolean(load_default=None)
    sort = fields.String(load_default="newest", validate=validate.OneOf(sorted(SORTS)))


class RatingSchema(Schema):
    """Average of 0 to 5 stars, and how many."""

    average = fields.Float()
    count = fields.Integer()


class ImageSchema(Schema):
    """A picture."""

    src = fields.String()
    srcset = fields.String()
    alt = fields.String()
    width = fields.Integer()
    height = fields.Integer()
    tint = fields.String()


class ProductCard(Schema):
    """A product in a list."""

    id = fields.UUID()
    slug = fields.String()
    name = fields.String()
    price = fields.Nested(MoneyOut)
    compare_at_price = fields.Nested(MoneyOut, allow_none=True)
    rating = fields.Nested(RatingSchema)
    image = fields.Nested(ImageSchema, allow_none=True)
    in_stock = fields.Boolean()
    default_variant_id = fields.UUID()
    variant_count = fields.Integer()


class TotalSchema(Schema):
    """How many there are: exact, or a lower bound."""

    count = fields.Integer()
    exact = fields.Boolean()


class ProductPage(Schema):
    """A page of products."""

    items = fields.List(fields.Nested(ProductCard))
    next_cursor = fields.String(allow_none=True)
    total = fields.Nested(TotalSchema)


class VariantSchema(Schema):
    """A buyable form of a product; `available` are units after holds."""

    id = fields.UUID()
    sku = fields.String()
    options = fields.Dict(keys=fields.String(), values=fields.String())
    price = fields.Nested(MoneyOut)
    compare_at_price = fields.Nested(MoneyOut, allow_none=True)
    available = fields.Integer()


class CategoryRef(Schema):
    """A category by name."""

    id = fields.UUID()
    slug = fields.String()
    name = fields.String()


class ProductSchema(ProductCard):
    """The full product."""

    description = fields.String()
    attributes = fields.Dict(keys=fields.String(), values=fields.String())
    options = fields.List(fields.Dict())
    categories = fields.List(fields.Nested(CategoryRef))
    variants = fields.List(fields.Nested(VariantSchema))


class CategorySchema(CategoryRef):
    """A node of the category tree; `count` includes descendants."""

    count = fields.Integer()
    children = fields.List(fields.Nested(lambda: CategorySchema()))


class CategoryTree(Schema):
    """All categories."""

    items = fields.List(fields.Nested(CategorySchema))
