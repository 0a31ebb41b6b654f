"""Shapes of returns and of wishes to cancel."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from blueprints.api.schemas.common import MoneyIn, MoneyOut, PageQuery, Prose, StrictInt, Text
from blueprints.http.body import StrictSchema
from quickshop.returns.states import Reason, Resolution, State

MOST_LINES = 1000
MOST_UNITS = 10**6
REASONS = [str(reason) for reason in Reason]


class WishedLineBody(StrictSchema):
    """Units of a line, named by its place in the order (`line` of its items), and what is wanted in exchange."""

    line = StrictInt(1, MOST_LINES, required=True)
    quantity = StrictInt(1, MOST_UNITS, required=True)
    reason = fields.String(load_default=None, validate=validate.OneOf(REASONS))
    exchange_variant_id = fields.UUID(load_default=None)


class ReturnBody(StrictSchema):
    """What shall come back and what for; `reason` is that of the lines that name none of their own."""

    lines = fields.List(fields.Nested(WishedLineBody), required=True, validate=validate.Length(1, MOST_LINES))
    reason = fields.String(required=True, validate=validate.OneOf(REASONS))
    resolution = fields.String(
        load_default=str(Resolution.REFUND), validate=validate.OneOf([str(each) for each in Resolution])
    )
    note = Prose(2000, load_default=None)


class OtherVariant(Schema):
    """A variant that may be had in exchange."""

    variant_id = fields.UUID()
    sku = fields.String()
    options = fields.Dict(keys=fields.String(), values=fields.String())


class ReturnLineSchema(Schema):
    """A line of a return: announced, received, fit to be sold again; what was paid for it and what went back."""

    line = fields.Integer()
    variant_id = fields.UUID()
    sku = fields.String()
    name = fields.String()
    options = fields.Dict(keys=fields.String(), values=fields.String())
    quantity = fields.Integer()
    reason = fields.String()
    fault = fields.Boolean(metadata={"description": "Whether the reason is the shop's fault"})
    received = fields.Integer()
    restocked = fields.Integer()
    paid = fields.Nested(MoneyOut, allow_none=True)
    refunded = fields.Nested(MoneyOut, allow_none=True)
    exchange = fields.Nested(OtherVariant, allow_none=True)


class ReturnRefund(Schema):
    """The refund that a return ended in."""

    number = fields.Integer()
    amount = fields.Nested(MoneyOut)
    to = fields.String()


class ReturnSchema(Schema):
    """A return; `number` counts within the order. `replacement` is the number of the order that brings another one."""

    id = fields.UUID()
    number = fields.Integer()
    order = fields.String()
    state = fields.String()
    resolution = fields.String()
    currency = fields.String()
    lines = fields.List(fields.Nested(ReturnLineSchema))
    note = fields.String(allow_none=True)
    answer = fields.String(allow_none=True)
    photos = fields.List(fields.String())
    refund = fields.Nested(ReturnRefund, allow_none=True)
    replacement = fields.String(allow_none=True)
    requested_at = fields.String()
    decided_at = fields.String(allow_none=True)
    received_at = fields.String(allow_none=True)
    ended_at = fields.String(allow_none=True)


class ReturnableLine(Schema):
    """A line of which units can come back now, until when, and what it may be exchanged for."""

    line = fields.Integer()
    sku = fields.String()
    name = fields.String()
    options = fields.Dict(keys=fields.String(), values=fields.String())
    quantity = fields.Integer()
    until = fields.String()
    until_for_faults = fields.String()
    for_faults_only = fields.Boolean()
    exchange_for = fields.List(fields.Nested(OtherVariant))


class OrderReturns(Schema):
    """The returns of an order, oldest first, and what of it can come back."""

    items = fields.List(fields.Nested(ReturnSchema))
    next_cursor = fields.String(allow_none=True)
    returnable = fields.List(fields.Nested(ReturnableLine))


class PhotoSchema(Schema):
    """A picture that was kept."""

    position = fields.Integer()
    url = fields.String()


class ReturnListArgs(PageQuery):
    """The query of GET /admin/returns."""

    state = fields.String(load_default=None, validate=validate.OneOf([str(each) for each in State]))


class ReturnPage(Schema):
    """A page of returns."""

    items = fields.List(fields.Nested(ReturnSchema))
    next_cursor = fields.String(allow_none=True)


class AnswerBody(StrictSchema):
    """What is said to the shopper, never about a person."""

    answer = Text(300, required=True)


class ArrivedLineBody(StrictSchema):
    """Units of a line that came, and how many of them can be sold again."""

    line = StrictInt(1, MOST_LINES, required=True)
    received = StrictInt(0, MOST_UNITS, required=True)
    restocked = StrictInt(0, MOST_UNITS, required=True)


class ReceiveBody(StrictSchema):
    """What arrived; a line that is not named did not come."""

    lines = fields.List(fields.Nested(ArrivedLineBody), required=True, validate=validate.Length(1, MOST_LINES))


class AmountLineBody(StrictSchema):
    """Another amount for a line than what was paid for the units that came."""

    line = StrictInt(1, MOST_LINES, required=True)
    amount = fields.Nested(MoneyIn, required=True)


class ReturnRefundBody(StrictSchema):
    """How to give the money back: by default what was paid for what came, to where the shopper asked for it."""

    lines = fields.List(fields.Nested(AmountLineBody), load_default=list, validate=validate.Length(max=MOST_LINES))
    shipping = fields.Nested(MoneyIn, load_default=None)
    to = fields.String(load_default=None, validate=validate.OneOf(["original", "store_credit"]))
    reason = Text(200, load_default=None)


class WishSchema(Schema):
    """A wish to cancel what was packed already."""

    id = fields.UUID()
    order = fields.String()
    state = fields.String()
    answer = fields.String(allow_none=True)
    order_status = fields.String()
    fulfilment_status = fields.String()
    requested_at = fields.String()
    decided_at = fields.String(allow_none=True)


class WishListArgs(PageQuery):
    """The query of GET /admin/cancellation-requests."""

    state = fields.String(load_default=None, validate=validate.OneOf(["requested", "granted", "refused", "overtaken"]))


class WishPage(Schema):
    """A page of wishes to cancel, oldest first."""

    items = fields.List(fields.Nested(WishSchema))
    next_cursor = fields.String(allow_none=True)
