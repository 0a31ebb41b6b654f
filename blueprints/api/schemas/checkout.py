"""Shapes of checkout: the quote and the hold."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from blueprints.api.schemas.addresses import AddressSchema, check_one_address
from blueprints.api.schemas.common import MoneyOut, Text
from blueprints.api.schemas.promotions import CartCreditSchema, CouponSchema, DiscountSchema
from blueprints.http.body import StrictSchema
from quickshop.payments.rules import TOKEN


class PaymentToken(fields.String):
    """A token from the gateway. A card number is refused: it must never reach the shop."""

    def __init__(self, **kwargs: Any) -> None:
        form = validate.Regexp(rf"^(?:{TOKEN.pattern})\Z", error="A payment token starts with tok_ or pm_.")
        super().__init__(validate=form, metadata={"example": "tok_approve"}, **kwargs)


class PaymentChoice(StrictSchema):
    """How to pay: with a token from the gateway, or with one of the caller's saved cards."""

    token = PaymentToken(load_default=None)
    method_id = fields.UUID(load_default=None)

    @validates_schema
    def _one(self, data: dict[str, Any], **_: Any) -> None:
        if (data["token"] is None) == (data["method_id"] is None):
            raise ValidationError({"token": ["Name a token or a method_id."]})


class QuoteRequest(StrictSchema):
    """What to quote for."""

    shipping_address = fields.Nested(AddressSchema, load_default=None)
    shipping_address_id = fields.UUID(load_default=None)
    shipping_method = Text(60, load_default=None)
    payment_method = fields.Nested(PaymentChoice, load_default=None)

    @validates_schema
    def _one(self, data: dict[str, Any], **_: Any) -> None:
        check_one_address(data, "shipping", required=False)


class TotalsSchema(Schema):
    """Sums; total = subtotal - discount + shipping + tax. `tax_included` is what prices that include it contain."""

    subtotal = fields.Nested(MoneyOut)
    discount = fields.Nested(MoneyOut)
    shipping = fields.Nested(MoneyOut)
    tax = fields.Nested(MoneyOut)
    tax_included = fields.Nested(MoneyOut)
    total = fields.Nested(MoneyOut)
    credit = fields.Nested(MoneyOut, metadata={"description": "What gift cards and store credit pay of it"})
    due = fields.Nested(MoneyOut)


class TaxLineSchema(Schema):
    """What a rate comes to over all lines and shipping; `rate` is percent, `taxable` without the tax."""

    name = fields.String()
    country = fields.String()
    region = fields.String()
    rate = fields.String(metadata={"example": "8.875"})
    taxable = fields.Nested(MoneyOut)
    tax = fields.Nested(MoneyOut)
    included = fields.Boolean()


class WindowSchema(Schema):
    """First and last day."""

    from_ = fields.Date(data_key="from")
    to = fields.Date()


class ShippingOffer(Schema):
    """A way of shipping with its price and delivery window; `pickup` is fetched, `note` says where."""

    code = fields.String()
    name = fields.String()
    kind = fields.String(metadata={"enum": ["delivery", "pickup"]})
    note = fields.String()
    price = fields.Nested(MoneyOut)
    free_from = fields.Nested(MoneyOut, allow_none=True)
    delivery = fields.Nested(WindowSchema)


class QuoteLine(Schema):
    """A line as it would be bought now."""

    variant_id = fields.UUID()
    sku = fields.String()
    name = fields.String()
    options = fields.Dict(keys=fields.String(), values=fields.String())
    quantity = fields.Integer()
    unit_price = fields.Nested(MoneyOut)
    discount = fields.Nested(MoneyOut)
    total = fields.Nested(MoneyOut)
    tax = fields.Nested(MoneyOut)
    tax_rate = fields.String(metadata={"description": "Percent"})
    tax_included = fields.Boolean()


class DestinationSchema(Schema):
    """Where the quote is for; `assumed` means that no address was given, so it is the shop's home."""

    country = fields.String()
    region = fields.String()
    assumed = fields.Boolean()


class QuoteSchema(Schema):
    """What the cart costs now."""

    lines = fields.List(fields.Nested(QuoteLine))
    destination = fields.Nested(DestinationSchema)
    shipping_methods = fields.List(fields.Nested(ShippingOffer))
    shipping_method = fields.String(allow_none=True)
    discounts = fields.List(fields.Nested(DiscountSchema))
    coupons = fields.List(fields.Nested(CouponSchema))
    credit = fields.Nested(CartCreditSchema, allow_none=True)
    totals = fields.Nested(TotalsSchema)
    tax_lines = fields.List(fields.Nested(TaxLineSchema))
    tax_exemption = fields.Nested(MoneyOut, metadata={"description": "Part of the discount"})
    prices_include_tax = fields.Boolean()
    warnings = fields.List(fields.Dict())


class HoldSchema(Schema):
    """Until when the cart's stock is held."""

    expires_at = fields.String()
