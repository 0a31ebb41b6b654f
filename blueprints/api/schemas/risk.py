"""Shapes of risk and of the shop's settings as staff see them."""

from __future__ import annotations

from marshmallow import Schema, fields

from blueprints.api.schemas.common import MoneyOut
from blueprints.http.body import StrictSchema


class ReasonSchema(Schema):
    """A rule that an order broke; the points of all reasons sum to the score."""

    rule = fields.String()
    points = fields.Integer()
    words = fields.String()


class DigestSchema(Schema):
    """Whether the order is as it was placed: `whole`, `differs`, `unsigned` or `unknown_key`."""

    state = fields.String()
    differs = fields.List(fields.String())


class RiskSchema(Schema):
    """How risky an order is, why, and what was decided."""

    number = fields.String()
    score = fields.Integer()
    reasons = fields.List(fields.Nested(ReasonSchema))
    outcome = fields.String()
    expires_at = fields.String(allow_none=True)
    decided = fields.String(allow_none=True)
    decided_at = fields.String(allow_none=True)
    digest = fields.Nested(DigestSchema)


class ReviewedOrder(RiskSchema):
    """An order on which somebody has to decide."""

    class Meta:
        exclude = ("digest",)

    hold_reason = fields.String()
    total = fields.Nested(MoneyOut)
    country = fields.String()
    member = fields.Boolean()
    placed_at = fields.String()


class RiskReviewPage(Schema):
    """A page of them, those with the least time left first."""

    items = fields.List(fields.Nested(ReviewedOrder))
    next_cursor = fields.String(allow_none=True)


class SettingSchema(Schema):
    """What staff set; version 0 is the value that the shop came with."""

    name = fields.String()
    about = fields.String()
    value = fields.Dict()
    version = fields.Integer()
    changed_at = fields.String(allow_none=True)


class SettingsList(Schema):
    """All of them."""

    items = fields.List(fields.Nested(SettingSchema))
    next_cursor = fields.String(allow_none=True)


class SettingBody(StrictSchema):
    """The whole new value, and the version that was read."""

    value = fields.Dict(keys=fields.String(), required=True)
    version = fields.Integer(required=True, strict=True)
