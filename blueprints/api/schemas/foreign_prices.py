"""Shapes of prices in other currencies."""

from __future__ import annotations

from marshmallow import Schema, fields

from blueprints.api.schemas.common import MoneyIn, MoneyOut
from blueprints.http.body import StrictSchema


class ForeignPriceBody(StrictSchema):
    """What a variant costs in the currency of the address: the price, the former one, and the one of its sale."""

    price = fields.Nested(MoneyIn, required=True)
    compare_at_price = fields.Nested(MoneyIn, load_default=None, allow_none=True)
    sale_price = fields.Nested(MoneyIn, load_default=None, allow_none=True)


class ForeignPrice(Schema):
    """A variant's price in one other currency."""

    currency = fields.String()
    price = fields.Nested(MoneyOut)
    compare_at_price = fields.Nested(MoneyOut, allow_none=True)
    sale_price = fields.Nested(MoneyOut, allow_none=True)


class ForeignPrices(Schema):
    """All of them."""

    items = fields.List(fields.Nested(ForeignPrice))
