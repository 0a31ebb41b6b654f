"""Shapes of the catalogue as staff keep it: products, variants, pictures, categories, attributes, stock."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from blueprints.api.schemas.catalogue import ImageSchema, RatingSchema
from blueprints.api.schemas.common import MoneyIn, MoneyOut, PageQuery, Prose, QueryInt, StrictInt, Text
from blueprints.http.body import StrictSchema
from quickshop.catalog.management import STATES
from quickshop.inventory.moving import CAUSES

SLUG = validate.Regexp(r"^[a-z0-9]+(-[a-z0-9]+)*\Z", error="Lower-case letters, digits and single hyphens.")
_UNITS = 1_000_000_000


class Moment(fields.AwareDateTime):
    """A time with its zone, as RFC 3339 has it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", default_timezone=None, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        moment = super()._deserialize(value, attr, data, **kwargs)
        try:
            return moment.astimezone(UTC)
        except OverflowError:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE) from None


class Versioned(StrictSchema):
    """A change; with `updated_at` as it was seen (or an `If-Match` header), one made meanwhile is not undone."""

    updated_at = Moment(metadata={"description": "Of the product as it was seen; 409 `changed_meanwhile` otherwise"})


# --- products ------------------------------------------------------------------------------------------


class ProductsQuery(PageQuery):
    """Which products: beginnings of words or SKUs, a category's slug or id with what lies below it, a state."""

    q = fields.String(load_default=None, validate=validate.Length(max=200))
    category = fields.String(load_default=None, validate=validate.Length(1, 200))
    state = fields.String(load_default=None, validate=validate.OneOf(STATES))


class OptionBody(StrictSchema):
    """Something to choose about a product."""

    name = Text(60, required=True)
    values = fields.List(Text(120), required=True, validate=validate.Length(1, 100))


def _options(**kwargs: Any) -> fields.List:
    return fields.List(fields.Nested(OptionBody), validate=validate.Length(max=6), **kwargs)


def _attributes(**kwargs: Any) -> fields.Dict:
    return fields.Dict(keys=Text(60), values=Text(300), validate=validate.Length(max=60), **kwargs)


class ShownMixin(StrictSchema):
    """From when until when a product is on show."""

    published_at = Moment(allow_none=True, metadata={"description": "null: not on show"})
    withdrawn_at = Moment(allow_none=True, metadata={"description": "null: for good"})

    @validates_schema
    def check_show(self, data: Any, **_: Any) -> None:
        """A show ends after it begins."""
        begins, ends = data.get("published_at"), data.get("withdrawn_at")
        if begins and ends and ends <= begins:
            raise ValidationError("After published_at.", "withdrawn_at")


class ProductChange(Versioned, ShownMixin):
    """What to change of a product; what is left out stays."""

    name = Text(200)
    slug = fields.String(validate=[validate.Length(1, 150), SLUG])
    description = Prose(20_000, 0)
    category_id = fields.UUID()
    tax_class = Text(40, allow_none=True, metadata={"description": "null: the standard one"})
    attributes = _attributes()
    options = _options()
    related = fields.List(fields.UUID(), validate=validate.Length(max=50))


class ShowBody(StrictSchema):
    """Products to put on show at once, or to take off."""

    product_ids = fields.List(fields.UUID(), required=True, validate=validate.Length(1, 100))
    shown = fields.Boolean(required=True, truthy={True}, falsy={False})


class Changed(Schema):
    """How many changed."""

    changed = fields.Integer()


class Made(Schema):
    """What was made; `updated_at` is the product's version now."""

    id = fields.UUID()
    updated_at = fields.DateTime()


class StockSchema(Schema):
    """Units: in the house, promised of those, and left; `low_at` null is the shop's own threshold."""

    on_hand = fields.Integer()
    held = fields.Integer()
    available = fields.Integer()
    low_at = fields.Integer(allow_none=True)


class SaleSchema(Schema):
    """A price for a time; null is open."""

    price = fields.Nested(MoneyOut)
    from_ = fields.DateTime(data_key="from", allow_none=True)
    until = fields.DateTime(allow_none=True)


class PricesSchema(Schema):
    """What prices became at a time."""

    at = fields.DateTime()
    price = fields.Nested(MoneyOut)
    compare_at_price = fields.Nested(MoneyOut, allow_none=True)
    sale = fields.Nested(SaleSchema, allow_none=True)


class VariantDetails(Schema):
    """A variant with its prices and stock; `history` has the last 20 changes of prices, the latest first."""

    id = fields.UUID()
    sku = fields.String()
    options = fields.Dict(keys=fields.String(), values=fields.String())
    position = fields.Integer()
    weight_grams = fields.Integer()
    image_id = fields.UUID(allow_none=True)
    image = fields.Nested(ImageSchema, allow_none=True)
    price = fields.Nested(MoneyOut)
    compare_at_price = fields.Nested(MoneyOut, allow_none=True)
    sale = fields.Nested(SaleSchema, allow_none=True)
    price_now = fields.Nested(MoneyOut)
    on_sale = fields.Boolean()
    history = fields.List(fields.Nested(PricesSchema))
    stock = fields.Nested(StockSchema)


class NamedSchema(Schema):
    """Something by name."""

    id = fields.UUID()
    slug = fields.String()
    name = fields.String()


class PictureSchema(Schema):
    """A picture of a product."""

    id = fields.UUID()
    position = fields.Integer()
    alt = fields.String()
    image = fields.Nested(ImageSchema)


class ProductDetails(Schema):
    """Everything about a product. `updated_at` is its version, which the ETag names too."""

    id = fields.UUID()
    slug = fields.String()
    former_slugs = fields.List(fields.String())
    name = fields.String()
    description = fields.String()
    category = fields.Nested(NamedSchema)
    attributes = fields.Dict(keys=fields.String(), values=fields.String())
    options = fields.List(fields.Dict())
    image = fields.Nested(ImageSchema, allow_none=True)
    images = fields.List(fields.Nested(PictureSchema))
    related = fields.List(fields.Nested(NamedSchema))
    rating = fields.Nested(RatingSchema)
    sold_count = fields.Integer()
    state = fields.String(validate=validate.OneOf(STATES))
    published_at = fields.DateTime(allow_none=True)
    withdrawn_at = fields.DateTime(allow_none=True)
    created_at = fields.DateTime()
    updated_at = fields.DateTime()
    variants = fields.List(fields.Nested(VariantDetails))


class PriceSpan(Schema):
    """The lowest and the highest price now."""

    min = fields.Nested(MoneyOut)
    max = fields.Nested(MoneyOut)


class ManagedProduct(Schema):
    """A product in the staff's list."""

    id = fields.UUID()
    slug = fields.String()
    name = fields.String()
    image = fields.Nested(ImageSchema, allow_none=True)
    state = fields.String(validate=validate.OneOf(STATES))
    published_at = fields.DateTime(allow_none=True)
    withdrawn_at = fields.DateTime(allow_none=True)
    updated_at = fields.DateTime()
    category = fields.Nested(NamedSchema)
    variant_count = fields.Integer()
    price = fields.Nested(PriceSpan, allow_none=True)
    on_sale = fields.Boolean()
    on_hand = fields.Integer()
    available = fields.Integer()


class ManagedProducts(Schema):
    """A page of all products, the newest first."""

    items = fields.List(fields.Nested(ManagedProduct))
    next_cursor = fields.String(allow_none=True)


# --- variants ------------------------------------------------------------------------------------------


class VariantBody(Versioned):
    """A variant to add; prices in the product's currency."""

    sku = Text(64, required=True)
    price = fields.Nested(MoneyIn, required=True)
    compare_at_price = fields.Nested(MoneyIn, load_default=None, allow_none=True)
    options = fields.Dict(keys=Text(60), values=Text(120), load_default=dict)
    weight_grams = StrictInt(0, 10_000_000, load_default=0)


class VariantChange(Versioned):
    """What to change of a variant; what is left out stays. `low_stock_at` null is the shop's own threshold."""

    sku = Text(64)
    options = fields.Dict(keys=Text(60), values=Text(120))
    weight_grams = StrictInt(0, 10_000_000)
    position = StrictInt(0, 10_000)
    image_id = fields.UUID(allow_none=True)
    low_stock_at = StrictInt(0, 1_000_000, allow_none=True)


class PriceBody(Versioned):
    """The ordinary price, and the former one to strike through."""

    price = fields.Nested(MoneyIn, required=True)
    compare_at_price = fields.Nested(MoneyIn, load_default=None, allow_none=True)


class SaleBody(Versioned):
    """A lower price from a time (now) until another (for good)."""

    price = fields.Nested(MoneyIn, required=True)
    from_ = Moment(data_key="from", load_default=None, allow_none=True)
    until = Moment(load_default=None, allow_none=True)


# --- pictures ------------------------------------------------------------------------------------------


class PictureChange(Versioned):
    """What to change of a picture: what it shows, and its place among the others, from 0."""

    alt = Text(300, 0)
    position = StrictInt(0, 100)


class MadePicture(Made):
    """The new picture."""

    image = fields.Nested(ImageSchema)


# --- categories and attributes -------------------------------------------------------------------------


class CategoryChange(StrictSchema):
    """What to change of a category; `parent_id` null puts it at the top.

    With `version`, 409 `changed_meanwhile` where somebody was quicker.
    """

    name = Text(120)
    slug = fields.String(validate=[validate.Length(1, 100), SLUG])
    position = StrictInt(0, 10_000)
    parent_id = fields.UUID(allow_none=True)
    version = StrictInt(1, 2**53)


class ManagedCategory(NamedSchema):
    """A category; `products` lie directly in it, on show or not."""

    parent_id = fields.UUID(allow_none=True)
    position = fields.Integer()
    depth = fields.Integer()
    products = fields.Integer()
    version = fields.Integer()


class ManagedCategories(Schema):
    """All categories, each after the one above it."""

    items = fields.List(fields.Nested(ManagedCategory))
    next_cursor = fields.String(allow_none=True)


class AttributeChange(StrictSchema):
    """How an attribute is shown. With `version`, 409 `changed_meanwhile` where somebody was quicker."""

    label = Text(60)
    facetable = fields.Boolean(truthy={True}, falsy={False})
    position = StrictInt(0, 10_000)
    version = StrictInt(1, 2**53)


class AttributeSchema(Schema):
    """An attribute; `values` is how many different ones products have."""

    name = fields.String()
    label = fields.String()
    facetable = fields.Boolean()
    position = fields.Integer()
    values = fields.Integer()
    version = fields.Integer()


class Attributes(Schema):
    """All attributes in order."""

    items = fields.List(fields.Nested(AttributeSchema))
    next_cursor = fields.String(allow_none=True)


# --- stock ---------------------------------------------------------------------------------------------


class MovementBody(StrictSchema):
    """Units that came (above zero) or went, and why. `note` is no place for anything about a person."""

    delta = StrictInt(-_UNITS, _UNITS, required=True)
    cause = fields.String(required=True, validate=validate.OneOf(CAUSES))
    note = Text(300, 0, load_default="")


class MovedStock(Schema):
    """The movement's id, and what there is now."""

    id = fields.Integer()
    stock = fields.Nested(StockSchema)


class MovementsQuery(PageQuery):
    """Which movements: for one cause."""

    cause = fields.String(load_default=None, validate=validate.OneOf(["sold", *CAUSES]))


class MovementSchema(Schema):
    """Units that came or went."""

    id = fields.Integer()
    variant_id = fields.UUID()
    product_id = fields.UUID()
    sku = fields.String()
    name = fields.String()
    options = fields.Dict(keys=fields.String(), values=fields.String())
    delta = fields.Integer()
    cause = fields.String()
    note = fields.String(allow_none=True)
    order_id = fields.UUID(allow_none=True)
    at = fields.DateTime()


class Movements(Schema):
    """A page of movements, the latest first."""

    items = fields.List(fields.Nested(MovementSchema))
    next_cursor = fields.String(allow_none=True)


class LowVariant(StockSchema):
    """A variant that runs low; `since` is null until the watch has noticed."""

    variant_id = fields.UUID()
    product_id = fields.UUID()
    sku = fields.String()
    name = fields.String()
    options = fields.Dict(keys=fields.String(), values=fields.String())
    since = fields.DateTime(allow_none=True)


class LowStock(Schema):
    """A page of what runs low, the lowest first; `total` is how many there are, counted to 10,000."""

    items = fields.List(fields.Nested(LowVariant))
    next_cursor = fields.String(allow_none=True)
    total = fields.Integer()


class LowQuery(PageQuery):
    """Which part of the list."""

    limit = QueryInt(1, 100, load_default=24)
