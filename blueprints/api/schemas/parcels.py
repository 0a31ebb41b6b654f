"""Shapes of parcels."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from blueprints.api.schemas.checkout import WindowSchema
from blueprints.api.schemas.common import Text
from blueprints.api.schemas.payments import UnitsBody
from blueprints.http.body import StrictSchema
from quickshop.shipping.carriers.port import STATES

_CODE = validate.Regexp(r"^[a-z0-9_]{1,64}\Z", error="Lower-case letters, digits and _; at most 64.")


class PackBody(StrictSchema):
    """What goes into a new parcel; without `lines`, all that is left."""

    lines = fields.List(
        fields.Nested(UnitsBody), load_default=None, allow_none=True, validate=validate.Length(min=1, max=1000)
    )


class ShipBody(PackBody):
    """What goes into a new parcel and leaves with it. `tracking_number` is of a carrier that you brought it to."""

    carrier = fields.String(load_default=None, validate=validate.OneOf(["manual", "simulator", "pickup"]))
    tracking_number = Text(60, load_default=None)

    @validates_schema
    def _fits(self, data: dict[str, Any], **_: Any) -> None:
        if data["tracking_number"] and data["carrier"] not in (None, "manual"):
            raise ValidationError("A carrier that gives numbers gives this one too.", "tracking_number")


class SendBody(StrictSchema):
    """How a packed parcel leaves."""

    carrier = fields.String(load_default=None, validate=validate.OneOf(["manual", "simulator", "pickup"]))
    tracking_number = Text(60, load_default=None)


class ParcelEventBody(StrictSchema):
    """What became of a parcel, by the word of staff."""

    state = fields.String(required=True, validate=validate.OneOf(STATES))
    code = fields.String(load_default=None, validate=_CODE)


class ParcelItem(Schema):
    """Units of a line in a parcel."""

    line = fields.Integer()
    sku = fields.String()
    name = fields.String()
    quantity = fields.Integer()


class ParcelEvent(Schema):
    """Something that happened to a parcel."""

    state = fields.String()
    code = fields.String(allow_none=True)
    at = fields.String()


class ParcelSchema(Schema):
    """A parcel: packed, label, in_transit, out_for_delivery, exception, delivered, lost or cancelled."""

    id = fields.UUID()
    number = fields.Integer()
    state = fields.String()
    carrier = fields.String(allow_none=True)
    tracking_number = fields.String(allow_none=True)
    tracking_url = fields.String(allow_none=True)
    has_label = fields.Boolean()
    exception = fields.String(allow_none=True)
    estimated_delivery = fields.Nested(WindowSchema, allow_none=True)
    items = fields.List(fields.Nested(ParcelItem))
    packed_at = fields.String()
    shipped_at = fields.String(allow_none=True)
    delivered_at = fields.String(allow_none=True)
    events = fields.List(fields.Nested(ParcelEvent))


class StaffParcelSchema(ParcelSchema):
    """A parcel with its order, and what its carrier said where there is no label yet."""

    order = fields.String()
    waits_for_carrier = fields.Boolean()
    last_error = fields.String(allow_none=True)


class ParcelPage(Schema):
    """The parcels of an order."""

    items = fields.List(fields.Nested(StaffParcelSchema))
    next_cursor = fields.String(allow_none=True)
