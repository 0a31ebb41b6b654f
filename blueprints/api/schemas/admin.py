"""Shapes of the staff API."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from blueprints.api.schemas.common import MoneyIn, Prose, StrictInt, Text
from blueprints.api.schemas.management import SLUG, OptionBody, ShownMixin
from blueprints.http.body import StrictSchema


class NewCategoryBody(StrictSchema):
    """A category to make."""

    slug = fields.String(required=True, validate=[validate.Length(1, 100), SLUG])
    name = Text(120, required=True)
    parent_id = fields.UUID(load_default=None)
    position = StrictInt(0, 10_000, load_default=0)


class NewVariantBody(StrictSchema):
    """A variant to make, with its first stock; prices in the product's currency."""

    sku = Text(64, required=True)
    price = fields.Nested(MoneyIn, required=True)
    compare_at_price = fields.Nested(MoneyIn, load_default=None, allow_none=True)
    options = fields.Dict(keys=Text(60), values=Text(120), load_default=dict)
    weight_grams = StrictInt(0, 10_000_000, load_default=0)
    stock = StrictInt(0, 1_000_000_000, load_default=0)


class NewProductBody(ShownMixin):
    """A product to make: on show at once where `published_at` is left out, a draft where it is null."""

    slug = fields.String(required=True, validate=[validate.Length(1, 150), SLUG])
    name = Text(200, required=True)
    description = Prose(20_000, 0, load_default="")
    category_id = fields.UUID(required=True)
    tax_class = Text(40, load_default=None, allow_none=True, metadata={"description": "null: the standard one"})
    currency = fields.String(required=True, validate=validate.Regexp(r"^[A-Z]{3}\Z"))
    attributes = fields.Dict(keys=Text(60), values=Text(300), load_default=dict, validate=validate.Length(max=60))
    options = fields.List(fields.Nested(OptionBody), load_default=list, validate=validate.Length(max=6))
    related = fields.List(fields.UUID(), load_default=list, validate=validate.Length(max=50))
    variants = fields.List(fields.Nested(NewVariantBody), required=True, validate=validate.Length(1, 100))


class MadeCategory(Schema):
    """The new category's id."""

    id = fields.UUID()


class MadeProduct(Schema):
    """The new product's id, and its variants' by SKU."""

    id = fields.UUID()
    variants = fields.Dict(keys=fields.String(), values=fields.UUID())


class StockBody(StrictSchema):
    """Units that arrived."""

    quantity = StrictInt(1, 1_000_000_000, required=True)
