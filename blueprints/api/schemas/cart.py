"""Shapes of the cart."""

from __future__ import annotations

from marshmallow import Schema, fields

from blueprints.api.schemas.catalogue import ImageSchema
from blueprints.api.schemas.common import MoneyOut, StrictInt, Text
from blueprints.api.schemas.promotions import CartCreditSchema, CouponSchema, DiscountSchema
from blueprints.http.body import StrictSchema


class AddItem(StrictSchema):
    """Units of a variant to add."""

    variant_id = fields.UUID(required=True)
    quantity = StrictInt(1, 9999, load_default=1)


class ChangeItem(StrictSchema):
    """A new absolute quantity; 0 removes the item."""

    quantity = StrictInt(0, 9999, required=True)


class ChangeCart(StrictSchema):
    """The currency that the cart shall be in, one of the shop's."""

    currency = Text(3, required=True)


class SharedCart(Schema):
    """Where what was shared can be had from."""

    token = fields.String()
    url = fields.Url()


class CartItemSchema(Schema):
    """An item of a cart at today's price."""

    id = fields.UUID()
    variant_id = fields.UUID()
    product_slug = fields.String()
    sku = fields.String()
    name = fields.String()
    options = fields.Dict(keys=fields.String(), values=fields.String())
    image = fields.Nested(ImageSchema, allow_none=True)
    quantity = fields.Integer()
    available = fields.Integer()
    buyable = fields.Boolean()
    unit_price = fields.Nested(MoneyOut, allow_none=True)
    total = fields.Nested(MoneyOut, allow_none=True)


class CartSchema(Schema):
    """The full priced cart."""

    id = fields.UUID(allow_none=True)
    token = fields.String(allow_none=True)
    currency = fields.String()
    items = fields.List(fields.Nested(CartItemSchema))
    saved = fields.List(fields.Nested(CartItemSchema))
    coupons = fields.List(fields.Nested(CouponSchema))
    discounts = fields.List(fields.Nested(DiscountSchema))
    credit = fields.Nested(CartCreditSchema, allow_none=True)
    subtotal = fields.Nested(MoneyOut)
    total = fields.Nested(MoneyOut)
    quantity = fields.Integer()
    warnings = fields.List(fields.Dict())
    undo = fields.Dict(allow_none=True)
