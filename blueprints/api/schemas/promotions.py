"""Shapes of promotions, codes, gift cards and store credit."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from blueprints.api.schemas.common import LARGEST_AMOUNT, MoneyIn, MoneyOut, PageQuery, StrictBool, StrictInt, Text
from blueprints.http.body import StrictSchema
from quickshop.promotions.rules import ALL_OF_IT, Kind

SEGMENT = validate.Regexp(
    r"^[a-z][a-z0-9-]{0,39}\Z", error="Lower-case letters, digits and hyphens, beginning with a letter."
)
SEGMENT_OR_NONE = validate.Regexp(r"^([a-z][a-z0-9-]{0,39})?\Z", error=SEGMENT.error)
_MANY = validate.Length(max=200)
_LIMIT = {"low": 1, "high": 10**9}


def _moneys(**kwargs: Any) -> fields.List:
    return fields.List(fields.Nested(MoneyIn), validate=validate.Length(max=30), **kwargs)


def check_currencies(moneys: list[dict[str, Any]], field: str) -> None:
    """Raises ValidationError where a currency stands twice, or an amount is nothing."""
    if len({m["currency"] for m in moneys}) != len(moneys):
        raise ValidationError("Each currency once.", field)
    if any(m["amount"] == 0 for m in moneys):
        raise ValidationError("Amounts are above zero.", field)


class TierBody(StrictSchema):
    """From these amounts on (one for each currency), this rate in basis points."""

    rate = StrictInt(1, ALL_OF_IT, required=True)
    from_ = _moneys(required=True, data_key="from")


class PromotionFields(StrictSchema):
    """What staff may say of a promotion. Rates are basis points: 1000 is 10 %, 10000 is all of it."""

    name = Text(120)
    label = Text(120, metadata={"description": "What shoppers read"})
    automatic = StrictBool(metadata={"description": "Applies without a code"})
    active = StrictBool()
    exclusive = StrictBool(metadata={"description": "Stands alone, and only where nothing else takes more off"})
    priority = StrictInt(0, 10_000, metadata={"description": "Smaller ones first, each on what is left"})
    rate = StrictInt(0, ALL_OF_IT)
    amounts = _moneys()
    tiers = fields.List(fields.Nested(TierBody), validate=validate.Length(max=20))
    buy = StrictInt(0, 9999)
    get = StrictInt(0, 9999)
    minimums = _moneys(metadata={"description": "The least that the items it is about must cost before discounts"})
    category_ids = fields.List(fields.UUID(), validate=_MANY, metadata={"description": "With all below them"})
    product_ids = fields.List(fields.UUID(), validate=_MANY)
    segments = fields.List(fields.String(validate=SEGMENT), validate=_MANY)
    first_order = StrictBool()
    starts_at = fields.AwareDateTime(allow_none=True)
    ends_at = fields.AwareDateTime(allow_none=True)
    total_limit = StrictInt(**_LIMIT, allow_none=True)
    person_limit = StrictInt(1, 1000, allow_none=True)

    @validates_schema
    def _currencies(self, data: dict[str, Any], **_: Any) -> None:
        for name in ("amounts", "minimums"):
            check_currencies(data.get(name, []), name)
        for tier in data.get("tiers", []):
            check_currencies([m for m in tier["from_"] if m["amount"]], "tiers")


class NewPromotionBody(PromotionFields):
    """A promotion to make."""

    name = Text(120, required=True)
    label = Text(120, required=True)
    kind = fields.String(required=True, validate=validate.OneOf([str(kind) for kind in Kind]))


class ChangePromotionBody(PromotionFields):
    """What to change; a field left out stays. With `version`, 409 `changed_meanwhile` where somebody was quicker."""

    version = StrictInt(1, 2**53)


class NewCodeBody(StrictSchema):
    """A code; upper and lower case, blanks and hyphens make no difference."""

    code = Text(60, 3, required=True)
    total_limit = StrictInt(**_LIMIT, load_default=None, allow_none=True)


class AddCode(StrictSchema):
    """A promotion's code, or a gift card's, however it is written."""

    code = Text(60, required=True)


class UseCredit(StrictSchema):
    """Whether store credit shall pay."""

    use = StrictBool(required=True)


class CodeSchema(Schema):
    """A code and how often it was used by orders that stand."""

    code = fields.String(required=True)
    active = fields.Boolean(required=True)
    total_limit = fields.Integer(allow_none=True)
    used = fields.Integer(required=True)


class TierSchema(Schema):
    """From these amounts on, this rate in basis points."""

    rate = fields.Integer(required=True)
    from_ = fields.List(fields.Nested(MoneyOut), required=True, data_key="from")


class PromotionSchema(Schema):
    """A promotion with its codes."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    label = fields.String(required=True)
    kind = fields.String(required=True)
    automatic = fields.Boolean(required=True)
    active = fields.Boolean(required=True)
    exclusive = fields.Boolean(required=True)
    priority = fields.Integer(required=True)
    rate = fields.Integer(required=True)
    amounts = fields.List(fields.Nested(MoneyOut), required=True)
    tiers = fields.List(fields.Nested(TierSchema), required=True)
    buy = fields.Integer(required=True)
    get = fields.Integer(required=True)
    minimums = fields.List(fields.Nested(MoneyOut), required=True)
    category_ids = fields.List(fields.UUID(), required=True)
    product_ids = fields.List(fields.UUID(), required=True)
    segments = fields.List(fields.String(), required=True)
    first_order = fields.Boolean(required=True)
    starts_at = fields.DateTime(allow_none=True)
    ends_at = fields.DateTime(allow_none=True)
    total_limit = fields.Integer(allow_none=True)
    person_limit = fields.Integer(allow_none=True)
    used = fields.Integer(required=True, metadata={"description": "By orders that stand"})
    codes = fields.List(fields.Nested(CodeSchema), required=True)
    version = fields.Integer(required=True)
    created_at = fields.DateTime(required=True)


class PromotionPage(Schema):
    """A page of promotions."""

    items = fields.List(fields.Nested(PromotionSchema), required=True)
    next_cursor = fields.String(allow_none=True)


class GiftCardListArgs(PageQuery):
    """Which gift cards to list."""

    last4 = fields.String(load_default=None, validate=validate.Regexp(r"^[A-Za-z0-9]{4}\Z"))


class NewGiftCardBody(StrictSchema):
    """A gift card to make."""

    value = fields.Nested(MoneyIn, required=True)
    expires_at = fields.AwareDateTime(load_default=None, allow_none=True)

    @validates_schema
    def _something(self, data: dict[str, Any], **_: Any) -> None:
        check_currencies([data["value"]], "value")


class ChangeGiftCardBody(StrictSchema):
    """Whether it may pay."""

    active = StrictBool(required=True)


class CreditEntrySchema(Schema):
    """A movement: `issued`, `spent` by an order, `given_back`, `refunded`, `corrected` by staff."""

    at = fields.DateTime(required=True)
    amount = fields.Nested(MoneyOut, required=True)
    cause = fields.String(required=True)
    order = fields.String(allow_none=True)
    note = fields.String(allow_none=True)


class GiftCardSchema(Schema):
    """A gift card, without its code."""

    id = fields.UUID(required=True)
    last4 = fields.String(required=True)
    balance = fields.Nested(MoneyOut, required=True)
    state = fields.String(required=True, metadata={"enum": ["active", "used", "expired", "stopped"]})
    expires_at = fields.DateTime(allow_none=True)
    created_at = fields.DateTime(required=True)
    entries = fields.List(fields.Nested(CreditEntrySchema), required=True)


class MadeGiftCard(GiftCardSchema):
    """A new gift card. Its code is shown here and never again."""

    code = fields.String(required=True)


class GiftCardPage(Schema):
    """A page of gift cards."""

    items = fields.List(fields.Nested(GiftCardSchema), required=True)
    next_cursor = fields.String(allow_none=True)


class CorrectCreditBody(StrictSchema):
    """What to add to a member's store credit, or (below zero) to take off it. The note says why, and names nobody."""

    amount = StrictInt(-LARGEST_AMOUNT, LARGEST_AMOUNT, required=True)
    currency = fields.String(required=True, validate=validate.Regexp(r"^[A-Z]{3}\Z", error="Not an ISO 4217 code."))
    note = Text(200, load_default=None, allow_none=True)

    @validates_schema
    def _something(self, data: dict[str, Any], **_: Any) -> None:
        if data["amount"] == 0:
            raise ValidationError("Say how much.", "amount")


class BalanceSchema(Schema):
    """Store credit in one currency, with its movements, the newest first."""

    balance = fields.Nested(MoneyOut, required=True)
    entries = fields.List(fields.Nested(CreditEntrySchema), required=True)


class CreditSchema(Schema):
    """What the shop owes a member, by currency."""

    balances = fields.List(fields.Nested(BalanceSchema), required=True)


class CouponSchema(Schema):
    """A code on the cart: what it takes off or pays, or why (`reason`) it does not."""

    code = fields.String(metadata={"description": "Of a gift card the last four characters"})
    kind = fields.String(metadata={"enum": ["promotion", "gift_card"]})
    applied = fields.Boolean()
    reason = fields.String(allow_none=True)
    detail = fields.String(allow_none=True)
    amount = fields.Nested(MoneyOut)


class DiscountSchema(Schema):
    """What one rule takes off, of lines or of shipping. `rule` is its kind."""

    rule = fields.String()
    label = fields.String()
    code = fields.String(allow_none=True)
    target = fields.String(metadata={"enum": ["lines", "shipping"]})
    amount = fields.Nested(MoneyOut)
    lines = fields.List(fields.Dict(), metadata={"description": "[{variant_id, amount}]"})


class OrderDiscountSchema(Schema):
    """What one rule took off an order, by its items (counted from 1) and shipping."""

    rule = fields.String()
    label = fields.String()
    code = fields.String(allow_none=True)
    amount = fields.Nested(MoneyOut)
    shares = fields.List(fields.Dict(), metadata={"description": "[{line, target, amount}]"})


class CartCreditSchema(Schema):
    """What the shop owes the member in the cart's currency, whether it shall pay, and how much it pays."""

    balance = fields.Nested(MoneyOut)
    used = fields.Boolean()
    pays = fields.Nested(MoneyOut)
