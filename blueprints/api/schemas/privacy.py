"""The shape of the export."""

from __future__ import annotations

from marshmallow import Schema, fields


class ExportOut(Schema):
    """Sections by name; `sections` says what each holds. More may come."""

    format = fields.String(required=True, metadata={"example": "quickshop.export/1"})
    made_at = fields.DateTime(required=True)
    sections = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    account = fields.Dict(required=True)
    addresses = fields.List(fields.Dict())
    orders = fields.List(fields.Dict(), metadata={"description": "With lines, events and payments"})
