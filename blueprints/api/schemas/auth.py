"""Shapes of registration, sign-in and sessions."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

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


CREDENTIAL = {"description": "A PublicKeyCredential as its `toJSON()` gives it"}


class Code(Text):
    """Six digits of an authenticator app, or a recovery code; None where it is not required and not given."""

    def __init__(self, *, required: bool = True) -> None:
        left_out: dict[str, Any] = {} if required else {"load_default": None, "allow_none": True}
        super().__init__(40, required=required, metadata={"example": "123456"}, **left_out)


class LoginCodeBody(StrictSchema):
    """The challenge of `/auth/login`, and either a code or a passkey's answer to its `passkey_options`."""

    challenge = Text(200, required=True)
    code = Code(required=False)
    credential = fields.Dict(keys=fields.String(), load_default=None, metadata=CREDENTIAL)

    @validates_schema
    def one_answer(self, data: dict[str, Any], **_more: Any) -> None:
        """Raises ValidationError unless there is one answer."""
        if (data["code"] is None) == (data["credential"] is None):
            raise ValidationError("Send either a code or a credential.", "code")


class PasskeyAnswer(StrictSchema):
    """The challenge that was asked with, and what `navigator.credentials` answered, as JSON."""

    challenge = Text(200, required=True)
    credential = fields.Dict(keys=fields.String(), required=True, metadata=CREDENTIAL)


class PasskeyRegistration(PasskeyAnswer):
    """A new passkey and the name that its owner gives it."""

    name = Text(60, required=True)


class ProofBody(StrictSchema):
    """The present password once more, and a code where two-factor is on."""

    password = Password()
    code = Code(required=False)


class PasskeyQuestion(Schema):
    """Options for `navigator.credentials` as JSON, and the challenge to send back with the answer."""

    challenge = fields.String(required=True)
    options = fields.Dict(required=True)


class PasskeyOut(Schema):
    """A passkey; `synced` says that its owner's devices share it."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    synced = fields.Boolean(required=True)
    created_at = fields.DateTime(required=True)
    last_used_at = fields.DateTime(required=True, allow_none=True)


class PasskeyPage(Schema):
    """The passkeys of an account."""

    items = fields.List(fields.Nested(PasskeyOut), required=True)
    next_cursor = fields.String(allow_none=True)


class PasswordBody(StrictSchema):
    """The present password, once more."""

    password = Password()


class CodeBody(StrictSchema):
    """A code of the authenticator app."""

    code = Code()


class TwoFactorOut(Schema):
    """Whether two-factor sign-in is on."""

    enabled = fields.Boolean(required=True)
    recovery_codes_left = fields.Integer(required=True)


class TwoFactorSetUp(Schema):
    """What an authenticator app needs. It is shown once and counts when `/auth/2fa/enable` has had a first code."""

    secret = fields.String(required=True, metadata={"description": "Base32"})
    otpauth_uri = fields.String(required=True)
    qr_svg = fields.String(required=True, metadata={"description": "The address as an SVG element"})


class RecoveryCodes(Schema):
    """Codes that each stand in for the second factor once. They are shown this once and kept nowhere in clear."""

    recovery_codes = fields.List(fields.String(), required=True)


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
    kind = fields.String(required=True, validate=validate.OneOf(["web", "app"]))
    network = fields.String(required=True, allow_none=True, metadata={"example": "203.0.113.0/24"})
    second_factor = fields.Boolean(required=True)
    created_at = fields.DateTime(required=True)
    last_used_at = fields.DateTime(required=True)
    ends_at = fields.DateTime(required=True)
    current = fields.Boolean(required=True)


class SessionPage(Schema):
    """The living sessions of an account."""

    items = fields.List(fields.Nested(SessionOut), required=True)
    next_cursor = fields.String(allow_none=True)
