"""Shapes of payments as staff see them."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from blueprints.api.schemas.common import MoneyIn, MoneyOut, PageQuery, Text
from blueprints.http.body import StrictSchema


class RefundBody(StrictSchema):
    """A refund: how much, and why (for staff, never about a person)."""

    amount = fields.Nested(MoneyIn, required=True)
    reason = Text(200, load_default=None)


class PaymentAttempt(Schema):
    """A call to the provider and what came of it."""

    key = fields.String()
    kind = fields.String()
    amount = fields.Nested(MoneyOut)
    state = fields.String()
    code = fields.String(allow_none=True)
    reason = fields.String(allow_none=True)
    created_at = fields.String()
    resolved_at = fields.String(allow_none=True)


class PaymentRound(Schema):
    """A round of paying for an order. `refunding` is on its way back."""

    round = fields.Integer()
    provider = fields.String()
    provider_ref = fields.String(allow_none=True)
    amount = fields.Nested(MoneyOut)
    authorized = fields.Nested(MoneyOut)
    captured = fields.Nested(MoneyOut)
    refunded = fields.Nested(MoneyOut)
    refunding = fields.Nested(MoneyOut)
    voided_at = fields.String(allow_none=True)
    attempts = fields.List(fields.Nested(PaymentAttempt))


class OrderPayments(Schema):
    """All rounds, the first one first."""

    items = fields.List(fields.Nested(PaymentRound))
    next_cursor = fields.String(allow_none=True)


class BreakListArgs(PageQuery):
    """The query of GET /admin/payments/breaks."""

    state = fields.String(load_default="open", validate=validate.OneOf(["open", "closed", "all"]))


class BreakSchema(Schema):
    """Where the books of the provider, of payments and of orders differ."""

    id = fields.UUID()
    kind = fields.String()
    state = fields.String()
    order = fields.String(allow_none=True, metadata={"description": "The order's number"})
    provider = fields.String()
    provider_ref = fields.String(allow_none=True)
    subject = fields.String()
    expected = fields.Nested(MoneyOut)
    found = fields.Nested(MoneyOut)
    detail = fields.String(allow_none=True)
    opened_at = fields.String()
    seen_at = fields.String()
    closed_at = fields.String(allow_none=True)
    closed_by = fields.String(allow_none=True)
    note = fields.String(allow_none=True)


class BreakPage(Schema):
    """A page of breaks; `open` counts those that stand open."""

    items = fields.List(fields.Nested(BreakSchema))
    next_cursor = fields.String(allow_none=True)
    open = fields.Integer()


class CloseBreakBody(StrictSchema):
    """Why a break is no matter any more (never about a person)."""

    note = Text(500, required=True)
