"""Shapes of orders."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate, validates_schema

from blueprints.api.schemas.addresses import AddressSchema, check_one_address
from blueprints.api.schemas.checkout import PaymentChoice, TaxLineSchema, TotalsSchema, WindowSchema
from blueprints.api.schemas.common import Email, MoneyIn, MoneyOut, PageQuery, Text
from blueprints.api.schemas.parcels import ParcelSchema
from blueprints.api.schemas.promotions import OrderDiscountSchema
from blueprints.api.schemas.returns import WishSchema
from blueprints.http.body import StrictSchema
from quickshop.orders.history import STATES
from quickshop.orders.priority import Priority
from quickshop.orders.states import FulfilmentStatus, HoldReason, PaymentStatus, Status


class PlaceOrderBody(StrictSchema):
    """An order to place from the caller's cart; `expected_total` is the total the shopper saw."""

    shipping_address = fields.Nested(AddressSchema, load_default=None)
    shipping_address_id = fields.UUID(load_default=None)
    billing_address = fields.Nested(AddressSchema, load_default=None)
    billing_address_id = fields.UUID(load_default=None)
    shipping_method = Text(60, required=True)
    payment = fields.Nested(
        PaymentChoice, load_default=None, metadata={"description": "Needed unless gift cards and credit pay everything"}
    )
    expected_total = fields.Nested(MoneyIn, required=True)
    email = Email(load_default=None)
    client_reference = Text(100, load_default=None)

    @validates_schema
    def _one(self, data: dict[str, Any], **_: Any) -> None:
        check_one_address(data, "shipping", required=True)
        check_one_address(data, "billing", required=False)


class PayBody(StrictSchema):
    """Another way to pay."""

    payment = fields.Nested(PaymentChoice, required=True)


class LineUnits(Schema):
    """How far the units of a line have come; `cancelled` ones will not come."""

    cancelled = fields.Integer()
    packed = fields.Integer()
    shipped = fields.Integer()
    delivered = fields.Integer()
    returned = fields.Integer()


class OrderItem(Schema):
    """A line of an order; `line` counts from 1 and names it in refunds, parcels and returns."""

    line = fields.Integer()
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
    units = fields.Nested(LineUnits)


class OrderSchema(Schema):
    """The whole order. `token` only for guests, only in the answer to the one who ordered."""

    id = fields.UUID()
    number = fields.String()
    status = fields.String()
    payment_status = fields.String()
    fulfilment_status = fields.String()
    hold_reason = fields.String(allow_none=True)
    failure_code = fields.String(allow_none=True)
    priority = fields.String()
    priority_reason = fields.String()
    items = fields.List(fields.Nested(OrderItem))
    discounts = fields.List(fields.Nested(OrderDiscountSchema))
    totals = fields.Nested(TotalsSchema)
    tax_lines = fields.List(fields.Nested(TaxLineSchema))
    shipping_tax = fields.Nested(MoneyOut)
    shipping_method = fields.Dict()
    shipping_address = fields.Nested(AddressSchema, allow_none=True)
    email = fields.String(allow_none=True)
    estimated_delivery = fields.Nested(WindowSchema)
    parcels = fields.List(fields.Nested(ParcelSchema))
    payment = fields.Dict()
    client_reference = fields.String(allow_none=True)
    placed_at = fields.String()
    confirmed_at = fields.String(allow_none=True)
    packing_at = fields.String(allow_none=True)
    delivered_at = fields.String(allow_none=True)
    cancellation = fields.Nested(WishSchema, allow_none=True)
    last_seq = fields.Integer()
    events_url = fields.String()
    topic = fields.String()
    token = fields.String()


class OrderListArgs(PageQuery):
    """The query of GET /admin/orders."""

    number = Text(40, load_default=None)
    email = Email(load_default=None)
    sku = Text(100, load_default=None)
    status = fields.String(load_default=None, validate=validate.OneOf([str(s) for s in Status]))
    payment_status = fields.String(load_default=None, validate=validate.OneOf([str(s) for s in PaymentStatus]))
    fulfilment_status = fields.String(load_default=None, validate=validate.OneOf([str(s) for s in FulfilmentStatus]))
    priority = fields.String(load_default=None, validate=validate.OneOf([str(p) for p in Priority]))
    hold_reason = fields.String(load_default=None, validate=validate.OneOf([str(r) for r in HoldReason]))
    client_reference = Text(100, load_default=None)
    placed_from = fields.Date(load_default=None)
    placed_to = fields.Date(load_default=None)


class OrderSummary(Schema):
    """An order in a list."""

    id = fields.UUID()
    number = fields.String()
    status = fields.String()
    payment_status = fields.String()
    fulfilment_status = fields.String()
    hold_reason = fields.String(allow_none=True)
    failure_code = fields.String(allow_none=True)
    priority = fields.String()
    priority_reason = fields.String()
    total = fields.Nested(MoneyOut)
    units = fields.Integer()
    country = fields.String()
    client_reference = fields.String(allow_none=True)
    estimated_delivery = fields.Nested(WindowSchema)
    placed_at = fields.String()
    confirmed_at = fields.String(allow_none=True)


class HistoryArgs(PageQuery):
    """The query of GET /orders: days count from midnight UTC, `q` is found in numbers, names and SKUs."""

    state = fields.String(load_default=None, validate=validate.OneOf(list(STATES)))
    since = fields.Date(load_default=None)
    until = fields.Date(load_default=None)
    q = Text(100, load_default=None)


class HistoryLine(Schema):
    """Something that was in an order."""

    name = fields.String()
    quantity = fields.Integer()


class HistoryEntry(OrderSummary):
    """An order of one's own in a list, with its first lines; `more_lines` counts the others."""

    lines = fields.List(fields.Nested(HistoryLine))
    more_lines = fields.Integer()


class HistoryPage(Schema):
    """A page of one's own orders."""

    items = fields.List(fields.Nested(HistoryEntry))
    next_cursor = fields.String(allow_none=True)


class OrderPage(Schema):
    """A page of orders."""

    items = fields.List(fields.Nested(OrderSummary))
    next_cursor = fields.String(allow_none=True)
