"""Shapes of what a member keeps with the shop: saved cards, communication preferences, push devices."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from blueprints.api.schemas.checkout import PaymentToken
from blueprints.api.schemas.common import StrictBool, Text
from blueprints.http.body import StrictSchema
from quickshop.accounts.devices import PLATFORMS


class SaveMethod(StrictSchema):
    """A card to keep, by the token that the gateway gave for it."""

    token = PaymentToken(required=True)


class MethodOut(Schema):
    """A saved card, with what may be shown of it."""

    id = fields.UUID(required=True)
    brand = fields.String(required=True)
    last4 = fields.String(required=True)
    exp_month = fields.Integer(required=True)
    exp_year = fields.Integer(required=True)
    default = fields.Boolean(required=True)
    created_at = fields.DateTime(required=True)


class MethodPage(Schema):
    """The caller's saved cards, the default first, in one page."""

    items = fields.List(fields.Nested(MethodOut), required=True)
    next_cursor = fields.String(allow_none=True)


class QuietHoursIn(StrictSchema):
    """When texts and push messages wait, by the clock of a time zone; over midnight where `to` is the earlier."""

    begins = fields.Time("%H:%M", required=True, data_key="from", metadata={"example": "22:00"})
    ends = fields.Time("%H:%M", required=True, data_key="to", metadata={"example": "07:00"})
    timezone = Text(64, required=True, metadata={"example": "Europe/Berlin"})


class ChangePreferences(StrictSchema):
    """A part of the matrix: topic, channel, wanted or not; and quiet hours, null for none. What is left out stays."""

    topics = fields.Dict(
        keys=fields.String(validate=validate.Length(max=40)),
        values=fields.Dict(keys=fields.String(validate=validate.Length(max=40)), values=StrictBool()),
    )
    quiet_hours = fields.Nested(QuietHoursIn, allow_none=True)

    @validates_schema
    def says_something(self, data: dict[str, Any], **_: Any) -> None:
        """A body that changes nothing at all is a mistake."""
        if not data:
            raise ValidationError("Missing data for required field.", "topics")


class LockedOut(Schema):
    """A topic that is always sent over a channel."""

    topic = fields.String(required=True)
    channel = fields.String(required=True)


class QuietHoursOut(Schema):
    """When texts and push messages wait."""

    begins = fields.String(required=True, data_key="from")
    ends = fields.String(required=True, data_key="to")
    timezone = fields.String(required=True)


class PreferencesOut(Schema):
    """The whole matrix, what nobody can turn off, and quiet hours."""

    topics = fields.Dict(
        keys=fields.String(), values=fields.Dict(keys=fields.String(), values=fields.Boolean()), required=True
    )
    locked = fields.List(fields.Nested(LockedOut), required=True)
    quiet_hours = fields.Nested(QuietHoursOut, required=True, allow_none=True)


class KeepDevice(StrictSchema):
    """A device for push messages; `name` is what its owner calls it."""

    platform = fields.String(required=True, validate=validate.OneOf(PLATFORMS))
    name = Text(100, 0, load_default="")


class DeviceOut(Schema):
    """A device for push messages."""

    token = fields.String(required=True)
    platform = fields.String(required=True)
    name = fields.String(required=True)
    created_at = fields.DateTime(required=True)


class DevicePage(Schema):
    """The caller's devices, at most 20, in one page."""

    items = fields.List(fields.Nested(DeviceOut), required=True)
    next_cursor = fields.String(allow_none=True)
