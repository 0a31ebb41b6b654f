"""Shapes of the export and of the end of an account."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from blueprints.api.schemas.auth import Password
from blueprints.http.body import StrictSchema


class EndAccountBody(StrictSchema):
    """Who asks for the end must prove once more who they are; `code` where two-factor sign-in is on."""

    password = Password()
    code = fields.String(validate=validate.Length(1, 64))


class ExportOut(Schema):
    """Sections by name; `sections` says what each holds. More may come."""

    format = fields.String(required=True, metadata={"example": "quickshop.export/1"})
    made_at = fields.DateTime(required=True)
    sections = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    account = fields.Dict(required=True)
    addresses = fields.List(fields.Dict())
    orders = fields.List(fields.Dict(), metadata={"description": "With lines, events and payments"})
