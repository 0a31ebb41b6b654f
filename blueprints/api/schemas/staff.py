"""Shapes of roles, API keys and customers as staff see them."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from blueprints.api.schemas.common import MoneyOut, PageQuery, StrictBool, Text
from blueprints.api.schemas.promotions import SEGMENT_OR_NONE
from blueprints.http.body import StrictSchema
from quickshop.accounts.permissions import Permission

ROLE_NAME = validate.Regexp(
    r"^[a-z][a-z0-9-]{1,39}\Z", error="2 to 40 lower-case letters, digits and hyphens, beginning with a letter."
)
_PERMISSION = validate.OneOf([str(p) for p in Permission], error="There is no such permission.")


def _permissions(**kwargs: Any) -> fields.List:
    return fields.List(fields.String(validate=_PERMISSION), validate=validate.Length(max=len(Permission)), **kwargs)


class NewRoleBody(StrictSchema):
    """A role to make."""

    name = fields.String(required=True, validate=ROLE_NAME)
    description = Text(200, 0, load_default="")
    permissions = _permissions(required=True)


class ChangeRoleBody(StrictSchema):
    """What a role shall allow from now on; a field left out stays."""

    description = Text(200, 0)
    permissions = _permissions()


class PermissionSchema(Schema):
    """Something that staff may do, as `resource:action`."""

    name = fields.String(required=True)


class PermissionPage(Schema):
    """Every permission."""

    items = fields.List(fields.Nested(PermissionSchema), required=True)
    next_cursor = fields.String(allow_none=True)


class RoleSchema(Schema):
    """A named set of permissions."""

    name = fields.String(required=True)
    description = fields.String(required=True)
    permissions = fields.List(fields.String(), required=True)
    built_in = fields.Boolean(required=True)
    holders = fields.Integer(required=True, metadata={"description": "How many people have it"})


class RolePage(Schema):
    """All roles."""

    items = fields.List(fields.Nested(RoleSchema), required=True)
    next_cursor = fields.String(allow_none=True)


class NewApiKeyBody(StrictSchema):
    """A key to make; `scopes` are permissions, without `expires_at` it has no end."""

    name = Text(80, required=True)
    scopes = _permissions(required=True)
    expires_at = fields.AwareDateTime(load_default=None, allow_none=True)


class KeyMaker(Schema):
    """Who made a key."""

    id = fields.UUID(required=True)
    username = fields.String(required=True)


class ApiKeySchema(Schema):
    """A key, without the key itself; `hint` is how it begins."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    hint = fields.String(required=True)
    scopes = fields.List(fields.String(), required=True)
    state = fields.String(required=True, metadata={"enum": ["active", "expired", "revoked", "maker_gone"]})
    created_by = fields.Nested(KeyMaker, required=True)
    created_at = fields.DateTime(required=True)
    expires_at = fields.DateTime(allow_none=True)
    last_used_at = fields.DateTime(allow_none=True)
    revoked_at = fields.DateTime(allow_none=True)


class MadeApiKey(ApiKeySchema):
    """A new key. It is shown here and never again."""

    key = fields.String(required=True)


class ApiKeyPage(Schema):
    """Keys."""

    items = fields.List(fields.Nested(ApiKeySchema), required=True)
    next_cursor = fields.String(allow_none=True)


class CustomerListArgs(PageQuery):
    """Whom to look for."""

    q = fields.String(load_default=None, validate=validate.Length(max=200))


class ChangeCustomerBody(StrictSchema):
    """What to change; at least one of them."""

    vip = StrictBool()
    segment = fields.String(validate=SEGMENT_OR_NONE, metadata={"description": "Empty takes them out of theirs"})
    disabled = StrictBool()
    tax_exempt = StrictBool()

    @validates_schema
    def check_something(self, data: Any, **_: Any) -> None:
        """A change must say what to change."""
        if not data:
            raise ValidationError("Say what to change.", "vip")


class CustomerSummary(Schema):
    """A member in a list."""

    id = fields.UUID(required=True)
    username = fields.String(required=True)
    email = fields.Email(required=True)
    email_verified = fields.Boolean(required=True)
    first_name = fields.String(required=True)
    last_name = fields.String(required=True)
    vip = fields.Boolean(required=True)
    segment = fields.String(allow_none=True)
    disabled = fields.Boolean(required=True)
    order_count = fields.Integer(required=True)
    roles = fields.List(fields.String(), required=True)
    created_at = fields.DateTime(required=True)


class CustomerSchema(CustomerSummary):
    """A member with all that staff may know."""

    phone = fields.String(allow_none=True)
    locale = fields.String(required=True)
    spent = fields.Nested(MoneyOut, required=True, metadata={"description": "In the shop's own currency"})
    spent_by_currency = fields.List(fields.Nested(MoneyOut), required=True)
    tax_exempt = fields.Boolean(required=True)
    second_factor = fields.Boolean(required=True)
    disabled_at = fields.DateTime(allow_none=True)


class StandingSchema(Schema):
    """How a member stands with the shop."""

    id = fields.UUID(required=True)
    vip = fields.Boolean(required=True)
    tax_exempt = fields.Boolean(required=True)
    segment = fields.String(allow_none=True)
    disabled = fields.Boolean(required=True)
    disabled_at = fields.DateTime(allow_none=True)


class CustomerPage(Schema):
    """A page of members."""

    items = fields.List(fields.Nested(CustomerSummary), required=True)
    next_cursor = fields.String(allow_none=True)
