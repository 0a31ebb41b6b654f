"""Shapes of registration, sign-in and sessions."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from blueprints.api.schemas.common import Email, Text
from blueprints.http.body import StrictSchema

USERNAME = validate.Regexp(r"^[A-Za-z0-9_.-]{3,32}\Z", error="3 to 32 letters, digits, dots, dashes or underscores.")
PHONE = validate.Regexp(r"^\+?[0-9][0-9 ()./-]{4,30}\Z", error="Not a valid telephone number.")
LOCALE = validate.Regexp(r"^[a-z]{2,3}(-[A-Z]{2})?\Z", error="A language such as `en` or `en-GB`.")


class Password(fields.String):
    """A password as typed: not stripped, not cut. The policy is the core's, and names each failed rule."""

    def __init__(self) -> None:
        super().__init__(required=True, validate=validate.Length(1, 1024), metadata={"format": "password"})


class MailedToken(Text):
    """The token of a mailed link."""

    def __init__(self) -> None:
        super().__init__(200, required=True)


class RegisterBody(StrictSchema):
    """A new account. The password has 10 to 128 characters with letters, digits and special characters."""

    email = Email(required=True)
    username = fields.String(required=True, validate=USERNAME)
    password = Password()
    first_name = Text(100, required=True)
    last_name = Text(100, required=True)
    phone = fields.String(load_default=None, allow_none=True, validate=PHONE)
    locale = fields.String(load_default="en", validate=LOCALE)


class EmailBody(StrictSchema):
    """An e-mail address."""

    email = Email(required=True)


class TokenBody(StrictSchema):
    """The token of a mailed link."""

    token = MailedToken()


class ResetBody(StrictSchema):
    """The token of a mailed link and the new password."""

    token = MailedToken()
    password = Password()


class LoginBody(StrictSchema):
    """`login` is the e-mail address or the username."""

    login = Text(254, required=True)
    password = Password()


class Accepted(Schema):
    """The same answer whether or not the address is known."""

    status = fields.String(required=True, metadata={"example": "accepted"})
    detail = fields.String(required=True)


class Verified(Schema):
    """The address is proved."""

    email_verified = fields.Boolean(required=True)


class TokenPair(Schema):
    """Send the access token as Bearer; exchange the refresh token before its 7 days are over, once."""

    access_token = fields.String(required=True)
    refresh_token = fields.String(required=True)
    token_type = fields.String(required=True, metadata={"example": "Bearer"})
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds", "example": 1800})


class SessionOut(Schema):
    """A sign-in on one device."""

    id = fields.UUID(required=True)
    device = fields.String(required=True)
    created_at = fields.DateTime(required=True)
    last_used_at = fields.DateTime(required=True)
    ends_at = fields.DateTime(required=True)
    current = fields.Boolean(required=True)


class SessionPage(Schema):
    """The living sessions of an account."""

    items = fields.List(fields.Nested(SessionOut), required=True)
    next_cursor = fields.String(allow_none=True)
