"""Shapes of the caller's own account."""

from __future__ import annotations

from marshmallow import Schema, fields

from blueprints.api.schemas.auth import LOCALE, PHONE
from blueprints.api.schemas.common import Text
from blueprints.http.body import StrictSchema


class MeSchema(Schema):
    """The account as its owner sees it."""

    id = fields.UUID(required=True)
    username = fields.String(required=True)
    email = fields.Email(required=True)
    email_verified = fields.Boolean(required=True)
    first_name = fields.String(required=True)
    last_name = fields.String(required=True)
    phone = fields.String(allow_none=True)
    locale = fields.String(required=True)
    vip = fields.Boolean(required=True)
    order_count = fields.Integer(required=True)
    permissions = fields.List(fields.String(), required=True)
    created_at = fields.DateTime(required=True)


class ChangeMe(StrictSchema):
    """What to change; fields left out stay."""

    first_name = Text(100)
    last_name = Text(100)
    phone = fields.String(allow_none=True, validate=PHONE)
    locale = fields.String(validate=LOCALE)
