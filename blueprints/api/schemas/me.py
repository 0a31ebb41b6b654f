"""Shapes of the caller's own account."""

from __future__ import annotations

from marshmallow import Schema, fields

from blueprints.api.schemas.auth import LOCALE, PHONE, Code, MailedToken, Password, ProofBody
from blueprints.api.schemas.common import Email, StrictInt, Text
from blueprints.http.body import StrictSchema


class ProfileStep(Schema):
    """One thing that a profile may have."""

    name = fields.String(required=True, metadata={"example": "email_verified"})
    done = fields.Boolean(required=True)


class ProfileOut(Schema):
    """What the profile may still be given; nothing waits for it."""

    complete = fields.Boolean(required=True)
    steps = fields.List(fields.Nested(ProfileStep), required=True)


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
    version = fields.Integer(required=True, metadata={"description": "Grows with each change of the account"})
    profile = fields.Nested(ProfileOut, required=True)


class ChangeMe(StrictSchema):
    """What to change; fields left out stay. With `version`, only if that is still the present one."""

    first_name = Text(100)
    last_name = Text(100)
    phone = fields.String(allow_none=True, validate=PHONE)
    locale = fields.String(validate=LOCALE)
    version = StrictInt(1, 2**53)


class ChangePasswordBody(StrictSchema):
    """The present password and the new one, and a code where two-factor is on."""

    current_password = Password()
    new_password = Password()
    code = Code(required=False)


class ChangeEmailBody(ProofBody):
    """The new address, the present password, and a code where two-factor is on."""

    email = Email(required=True)


class ConfirmEmailBody(StrictSchema):
    """The token of the link that was mailed to the new address."""

    token = MailedToken()


class EmailChanged(Schema):
    """The new address is the account's."""

    email_verified = fields.Boolean(required=True)
