"""Shapes of edits and of draft orders."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from blueprints.api.schemas.addresses import AddressSchema
from blueprints.api.schemas.checkout import PaymentChoice, TotalsSchema
from blueprints.api.schemas.common import Email, MoneyIn, MoneyOut, PageQuery, StrictBool, StrictInt, Text
from blueprints.api.schemas.orders import OrderSchema
from blueprints.http.body import StrictSchema
from quickshop.checkout.drafts import MOST_LINES, STATES

MOST_UNITS = 9999


class DraftItemBody(StrictSchema):
    """Units of a variant."""

    variant_id = fields.UUID(required=True)
    quantity = StrictInt(1, MOST_UNITS, required=True)


def units_by_variant(items: list[dict[str, Any]]) -> dict[Any, int]:
    """The items of a body as the core takes them: each variant once, with all its units."""
    found: dict[Any, int] = {}
    for item in items:
        found[item["variant_id"]] = found.get(item["variant_id"], 0) + item["quantity"]
    return found


class DraftBody(StrictSchema):
    """A draft order, for a customer of the shop or for an e-mail address."""

    items = fields.List(fields.Nested(DraftItemBody), required=True, validate=validate.Length(1, MOST_LINES))
    customer_id = fields.UUID(load_default=None)
    email = Email(load_default=None)
    shipping_address = fields.Nested(AddressSchema, required=True)
    shipping_method = Text(60, required=True)
    currency = fields.String(load_default=None, validate=validate.Regexp(r"[A-Z]{3}\Z"))
    free_shipping = StrictBool(load_default=False)

    @validates_schema
    def _one(self, data: dict[str, Any], **_: Any) -> None:
        if (data["customer_id"] is None) == (data["email"] is None):
            raise ValidationError({"email": ["Name either a customer_id or an email."]})


class DraftListArgs(PageQuery):
    """The query of GET /admin/draft-orders."""

    state = fields.String(load_default=None, validate=validate.OneOf(STATES))


class DraftSummary(Schema):
    """A draft in a list; `order` is what it became, `for_order` the one to which it adds goods."""

    id = fields.UUID()
    number = fields.String()
    state = fields.String(metadata={"enum": [*STATES, "expired"]})
    for_order = fields.String(allow_none=True)
    order = fields.String(allow_none=True)
    created_at = fields.String()
    expires_at = fields.String()


class DraftPage(Schema):
    """A page of drafts."""

    items = fields.List(fields.Nested(DraftSummary))
    next_cursor = fields.String(allow_none=True)


class DraftItem(Schema):
    """A line of a draft at the price of this moment."""

    variant_id = fields.UUID()
    sku = fields.String()
    name = fields.String()
    options = fields.Dict(keys=fields.String(), values=fields.String())
    quantity = fields.Integer()
    unit_price = fields.Nested(MoneyOut)


class SharedDraft(DraftSummary):
    """A draft as whoever has its link sees it; `problem` says why it cannot be bought now."""

    customer_id = fields.UUID(allow_none=True)
    email = fields.String(allow_none=True)
    shipping_address = fields.Nested(AddressSchema, allow_none=True)
    shipping_method = fields.Dict()
    free_shipping = fields.Boolean()
    items = fields.List(fields.Nested(DraftItem))
    totals = fields.Nested(TotalsSchema, allow_none=True)
    problem = fields.String(allow_none=True)


class Draft(SharedDraft):
    """A draft as staff see it, with the link at which it is paid."""

    token = fields.String()
    url = fields.String()


class PayDraftBody(StrictSchema):
    """How a draft is paid; `expected_total` is the total the payer saw. No payment where nothing is due."""

    payment = fields.Nested(PaymentChoice, load_default=None)
    expected_total = fields.Nested(MoneyIn, required=True)


class EditLineBody(StrictSchema):
    """How many units of a line shall come; lines count from 1."""

    line = StrictInt(1, 10_000, required=True)
    quantity = StrictInt(0, MOST_UNITS, required=True)


class EditBody(StrictSchema):
    """What changes of an order: fewer units, another address in the same country and region, goods that are added."""

    lines = fields.List(fields.Nested(EditLineBody), load_default=list, validate=validate.Length(0, 500))
    shipping_address = fields.Nested(AddressSchema, load_default=None)
    add = fields.List(fields.Nested(DraftItemBody), load_default=list, validate=validate.Length(0, MOST_LINES))

    @validates_schema
    def _once(self, data: dict[str, Any], **_: Any) -> None:
        places = [line["line"] for line in data["lines"]]
        if len(set(places)) < len(places):
            raise ValidationError({"lines": ["Name each line once."]})
        if not (places or data["add"] or data["shipping_address"]):
            raise ValidationError({"lines": ["Nothing is changed."]})


class EditAnswer(Schema):
    """The order as it is now, what goes back, and the draft by which added goods are paid."""

    order = fields.Nested(OrderSchema)
    refunded = fields.Nested(MoneyOut, allow_none=True)
    draft = fields.Nested(Draft, allow_none=True)
