"""Shapes of shipping and tax as staff set them."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from blueprints.api.schemas.common import MoneyIn, MoneyOut, StrictBool, StrictInt, Text
from blueprints.http.body import StrictSchema
from quickshop.kernel.errors import Invalid
from quickshop.tax.rules import millionths_of

MOST_GRAMS = 10_000_000
_COUNTRY = validate.Regexp(r"^[A-Z]{2}\Z", error="Not an ISO country code.")
_PLACE = validate.Regexp(r"^(\*|[A-Z]{2}(-.{1,60})?)\Z", error="A place is US, CA-ON, or * for everywhere else.")


class BandBody(StrictSchema):
    """A price from a weight or a value on: name the one that the method is priced by."""

    from_grams = StrictInt(1, MOST_GRAMS, load_default=None, allow_none=True)
    from_value = fields.Nested(MoneyIn, load_default=None, allow_none=True)
    price = fields.Nested(MoneyIn, required=True)


class ShippingMethodBody(StrictSchema):
    """A shipping method: its amounts are in the currency of `price`, its window in working days after packing."""

    name = Text(120, required=True)
    kind = fields.String(load_default="delivery", validate=validate.OneOf(["delivery", "pickup"]))
    zone = Text(60, load_default=None, allow_none=True, metadata={"description": "null: everywhere"})
    price = fields.Nested(MoneyIn, required=True)
    free_from = fields.Nested(MoneyIn, load_default=None, allow_none=True)
    priced_by = fields.String(load_default="flat", validate=validate.OneOf(["flat", "weight", "value"]))
    bands = fields.List(fields.Nested(BandBody), load_default=list, validate=validate.Length(max=50))
    min_weight_grams = StrictInt(0, MOST_GRAMS, load_default=0)
    max_weight_grams = StrictInt(0, MOST_GRAMS, load_default=None, allow_none=True)
    min_value = fields.Nested(MoneyIn, load_default=None, allow_none=True)
    max_value = fields.Nested(MoneyIn, load_default=None, allow_none=True)
    min_days = StrictInt(0, 365, required=True)
    max_days = StrictInt(0, 365, required=True)
    note = Text(300, 0, load_default="")
    position = StrictInt(0, 10_000, load_default=0)
    active = StrictBool(load_default=True)

    @validates_schema
    def check_order(self, data: Any, **_: Any) -> None:
        """What has a beginning and an end begins before it ends."""
        if data["min_days"] > data["max_days"]:
            raise ValidationError("Not before min_days.", "max_days")
        if data["max_weight_grams"] is not None and data["min_weight_grams"] > data["max_weight_grams"]:
            raise ValidationError("Not below min_weight_grams.", "max_weight_grams")
        least, most = data["min_value"], data["max_value"]
        if least and most and least["amount"] > most["amount"]:
            raise ValidationError("Not below min_value.", "max_value")

    @validates_schema
    def check_currency(self, data: Any, **_: Any) -> None:
        """One method has one currency."""
        amounts = [data[name] for name in ("free_from", "min_value", "max_value")]
        amounts += [band[name] for band in data["bands"] for name in ("price", "from_value")]
        if any(amount and amount["currency"] != data["price"]["currency"] for amount in amounts):
            raise ValidationError("All amounts of a method are in one currency.", "price")

    @validates_schema
    def check_bands(self, data: Any, **_: Any) -> None:
        """Bands begin at what the method is priced by."""
        wanted = {"weight": "from_grams", "value": "from_value"}.get(data["priced_by"])
        for band in data["bands"]:
            named = [name for name in ("from_grams", "from_value") if band[name] is not None]
            if named != [wanted] or (wanted == "from_value" and not band["from_value"]["amount"]):
                raise ValidationError("A band begins above 0, at what the method is priced by.", "bands")


class BandSchema(Schema):
    """A price from a weight or a value on."""

    from_grams = fields.Integer(allow_none=True)
    from_value = fields.Nested(MoneyOut, allow_none=True)
    price = fields.Nested(MoneyOut)


class ShippingMethodSchema(Schema):
    """A shipping method."""

    code = fields.String()
    name = fields.String()
    kind = fields.String()
    zone = fields.String(allow_none=True)
    currency = fields.String()
    price = fields.Nested(MoneyOut)
    free_from = fields.Nested(MoneyOut, allow_none=True)
    priced_by = fields.String()
    bands = fields.List(fields.Nested(BandSchema))
    min_weight_grams = fields.Integer()
    max_weight_grams = fields.Integer(allow_none=True)
    min_value = fields.Nested(MoneyOut)
    max_value = fields.Nested(MoneyOut, allow_none=True)
    min_days = fields.Integer()
    max_days = fields.Integer()
    note = fields.String()
    position = fields.Integer()
    active = fields.Boolean()


class ShippingMethodPage(Schema):
    """All methods."""

    items = fields.List(fields.Nested(ShippingMethodSchema), required=True)
    next_cursor = fields.String(allow_none=True)


class ZoneBody(StrictSchema):
    """A zone and all its places: countries, their regions, or `*` for everywhere else."""

    name = Text(120, required=True)
    places = fields.List(fields.String(validate=_PLACE), required=True, validate=validate.Length(max=500))
    position = StrictInt(0, 10_000, load_default=0)


class ZoneSchema(Schema):
    """A zone."""

    code = fields.String()
    name = fields.String()
    places = fields.List(fields.String())
    position = fields.Integer()


class ZonePage(Schema):
    """All zones."""

    items = fields.List(fields.Nested(ZoneSchema), required=True)
    next_cursor = fields.String(allow_none=True)


class HolidayBody(StrictSchema):
    """What the day is called."""

    name = Text(120, required=True)


class HolidaySchema(Schema):
    """A day on which nothing is packed or delivered."""

    day = fields.Date()
    name = fields.String()


class HolidayPage(Schema):
    """Holidays from a month ago on."""

    items = fields.List(fields.Nested(HolidaySchema), required=True)
    next_cursor = fields.String(allow_none=True)


class ShopDayBody(StrictSchema):
    """When the shop works and where it is; `orders_per_day` null does not count the queue."""

    timezone = Text(60, required=True)
    cut_off = fields.Time("%H:%M", required=True, metadata={"example": "14:00"})
    handling_days = StrictInt(0, 90, required=True)
    working_days = fields.List(StrictInt(1, 7), required=True, validate=validate.Length(1, 7))
    orders_per_day = StrictInt(1, 1_000_000, load_default=None, allow_none=True)
    home_country = fields.String(required=True, validate=_COUNTRY)
    home_region = Text(60, 0, load_default="")


class ShopDaySchema(Schema):
    """When the shop works and where it is; how many orders wait, and by how many days that delays a new one."""

    timezone = fields.String()
    cut_off = fields.String()
    handling_days = fields.Integer()
    working_days = fields.List(fields.Integer())
    orders_per_day = fields.Integer(allow_none=True)
    home_country = fields.String()
    home_region = fields.String()
    waiting_orders = fields.Integer()
    waiting_at = fields.DateTime(allow_none=True)
    queue_days = fields.Integer()


class TaxClassBody(StrictSchema):
    """A tax class."""

    name = Text(120, required=True)
    position = StrictInt(0, 10_000, load_default=0)


class TaxClassSchema(Schema):
    """A tax class, with how many rates it has."""

    code = fields.String()
    name = fields.String()
    position = fields.Integer()
    rates = fields.Integer()


class TaxClassPage(Schema):
    """All tax classes."""

    items = fields.List(fields.Nested(TaxClassSchema), required=True)
    next_cursor = fields.String(allow_none=True)


def check_rate(text: str) -> None:
    """Raises ValidationError for what is no rate in percent."""
    try:
        millionths_of(text)
    except Invalid as error:
        raise ValidationError(error.errors["rate"]) from error


class TaxRateBody(StrictSchema):
    """A rate in percent. A region's comes on top of its country's, or `replaces` it."""

    tax_class = Text(40, load_default="standard")
    country = fields.String(required=True, validate=_COUNTRY)
    region = Text(60, 0, load_default="")
    name = Text(60, required=True)
    rate = fields.String(required=True, validate=[validate.Length(1, 9), check_rate], metadata={"example": "8.875"})
    replaces = StrictBool(load_default=False)


class TaxRateSchema(Schema):
    """A rate in percent."""

    id = fields.UUID()
    tax_class = fields.String()
    country = fields.String()
    region = fields.String()
    name = fields.String()
    rate = fields.String()
    replaces = fields.Boolean()


class MadeTaxRate(Schema):
    """The new rate's id."""

    id = fields.UUID()


class TaxRatePage(Schema):
    """All rates."""

    items = fields.List(fields.Nested(TaxRateSchema), required=True)
    next_cursor = fields.String(allow_none=True)


class TaxSettingsBody(StrictSchema):
    """Whether prices include tax, and the class of shipping."""

    prices_include_tax = StrictBool(required=True)
    shipping_class = Text(40, load_default="standard")


class TaxSettingsSchema(Schema):
    """Whether prices include tax, and the class of shipping."""

    prices_include_tax = fields.Boolean()
    shipping_class = fields.String()
