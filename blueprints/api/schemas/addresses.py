"""Postal addresses."""

from __future__ import annotations

from marshmallow import fields, validate

from blueprints.api.schemas.common import Text
from blueprints.http.body import StrictSchema
from quickshop.accounts.countries import COUNTRIES


class AddressSchema(StrictSchema):
    """A postal address; `country` is ISO 3166-1 alpha-2."""

    name = Text(120, required=True)
    line1 = Text(200, required=True)
    line2 = Text(200, 0, load_default="")
    city = Text(120, required=True)
    region = Text(120, 0, load_default="")
    postal_code = Text(20, 0, load_default="")
    country = fields.String(required=True, validate=validate.OneOf(sorted(COUNTRIES), error="Not an ISO country code."))
    phone = Text(40, 0, load_default="")
