"""Shapes of payments as staff see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from blueprints.api.schemas.common import MoneyIn, MoneyOut, PageQuery, Text
from blueprints.http.body import StrictSchema
from quickshop.kernel.errors import Invalid


class UnitsBody(StrictSchema):
    """Units of a line, which is named by its place in the order."""

    line = fields.Integer(required=True, strict=True, validate=validate.Range(1, 1000))
    quantity = fields.Integer(required=True, strict=True, validate=validate.Range(1, 10**6))


def units_by_line(listed: Sequence[Mapping[str, int]]) -> dict[int, int]:
    """Units by the place of their line. Raises Invalid where a line is named twice."""
    found = {entry["line"]: entry["quantity"] for entry in listed}
    if len(found) < len(listed):
        raise Invalid({"lines": ["A line is named twice."]})
    return found


class RefundBody(StrictSchema):
    """A refund: an amount, or units of lines and shipping; and why (for staff, never about a person).

    To `original` the card gets its money first, then what gift cards and credit had paid.
    """

    amount = fields.Nested(MoneyIn, load_default=None)
    lines = fields.List(fields.Nested(UnitsBody), load_default=list, validate=validate.Length(max=1000))
    shipping = fields.Nested(MoneyIn, load_default=None)
    to = fields.String(load_default="original", validate=validate.OneOf(["original", "store_credit"]))
    reason = Text(200, load_default=None)

    @validates_schema
    def _something(self, data: dict[str, Any], **_: Any) -> None:
        if data["amount"] is None and not data["lines"] and data["shipping"] is None:
            raise ValidationError("How much, or which lines?", "amount")
        if data["amount"] is not None and (data["lines"] or data["shipping"] is not None):
            raise ValidationError("Either an amount, or lines and shipping.", "amount")


class RefundLineSchema(Schema):
    """What of a refund was for one line; a quantity of 0 is for the price alone."""

    line = fields.Integer()
    sku = fields.String()
    name = fields.String()
    quantity = fields.Integer()
    amount = fields.Nested(MoneyOut)
    tax = fields.Nested(MoneyOut)


class RefundSchema(Schema):
    """Money given back: to the card, to what gift cards and credit had paid, or as store credit. Tax is contained."""

    number = fields.Integer()
    cause = fields.String()
    by = fields.String()
    at = fields.String()
    amount = fields.Nested(MoneyOut)
    card = fields.Nested(MoneyOut)
    credit = fields.Nested(MoneyOut)
    store_credit = fields.Nested(MoneyOut)
    shipping = fields.Nested(MoneyOut)
    tax = fields.Nested(MoneyOut)
    lines = fields.List(fields.Nested(RefundLineSchema))


class RefundPage(Schema):
    """The refunds of an order, oldest first."""

    items = fields.List(fields.Nested(RefundSchema))
    next_cursor = fields.String(allow_none=True)


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
