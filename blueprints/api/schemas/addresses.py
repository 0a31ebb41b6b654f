"""Postal addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from blueprints.api.schemas.common import Text
from blueprints.http.body import StrictSchema
from quickshop.accounts.countries import COUNTRIES

COUNTRY = validate.OneOf(sorted(COUNTRIES), error="Not an ISO country code.")


class AddressSchema(StrictSchema):
    """A postal address; `country` is ISO 3166-1 alpha-2. The country decides what else must be there."""

    name = Text(120, required=True)
    line1 = Text(200, required=True)
    line2 = Text(200, 0, load_default="")
    city = Text(120, 0, load_default="")
    region = Text(120, 0, load_default="")
    postal_code = Text(20, 0, load_default="")
    country = fields.String(required=True, validate=COUNTRY)
    phone = Text(40, 0, load_default="")


def check_one_address(body: Mapping[str, Any], use: str, *, required: bool) -> None:
    """Raises ValidationError where an address for a use (shipping, billing) is named twice, or not at all."""
    named = [name for name in (f"{use}_address", f"{use}_address_id") if body[name] is not None]
    if len(named) > 1:
        raise ValidationError({named[1]: [f"Not beside {named[0]}."]})
    if required and not named:
        raise ValidationError({f"{use}_address": [f"Needed, or {use}_address_id."]})


class ChangeAddress(StrictSchema):
    """What to change of an address; fields left out stay."""

    name = Text(120)
    line1 = Text(200)
    line2 = Text(200, 0)
    city = Text(120, 0)
    region = Text(120, 0)
    postal_code = Text(20, 0)
    country = fields.String(validate=COUNTRY)
    phone = Text(40, 0)


class DefaultBody(StrictSchema):
    """What an address becomes the default for."""

    kind = fields.String(required=True, validate=validate.OneOf(["shipping", "billing", "both"]))


class AddressOut(Schema):
    """An address in the caller's book."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    line1 = fields.String(required=True)
    line2 = fields.String(required=True)
    city = fields.String(required=True)
    region = fields.String(required=True)
    postal_code = fields.String(required=True)
    country = fields.String(required=True)
    phone = fields.String(required=True)
    default_shipping = fields.Boolean(required=True)
    default_billing = fields.Boolean(required=True)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)


class AddressPage(Schema):
    """The caller's address book: at most 50, in one page."""

    items = fields.List(fields.Nested(AddressOut), required=True)
    next_cursor = fields.String(allow_none=True)
