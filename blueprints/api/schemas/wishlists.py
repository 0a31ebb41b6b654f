"""Shapes of wishlists and stock alerts."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from blueprints.api.schemas.catalogue import ImageSchema
from blueprints.api.schemas.common import Email, MoneyOut, PageQuery, QueryInt, StrictBool, StrictInt, Text
from blueprints.http.body import StrictSchema
from quickshop.wishlists.service import LONGEST_NAME


class WishlistItemsQuery(PageQuery):
    """The part of a list's items to show."""

    limit = QueryInt(1, 100, load_default=100)


class NewWishlist(StrictSchema):
    """A list to make."""

    name = Text(LONGEST_NAME, required=True)


class ChangeWishlist(StrictSchema):
    """What to change; fields left out stay. Sharing a list anew gives it another link."""

    name = Text(LONGEST_NAME)
    shared = StrictBool()
    price_alerts = StrictBool()
    default = StrictBool()


class MoveBody(StrictSchema):
    """How many units go into the cart."""

    quantity = StrictInt(1, 9999, load_default=1)


class ShareLink(Schema):
    """The link of a shared list."""

    token = fields.String()
    url = fields.Url()


class WishlistSchema(Schema):
    """A list of the caller's."""

    id = fields.UUID()
    name = fields.String()
    default = fields.Boolean()
    shared = fields.Boolean()
    share = fields.Nested(ShareLink, allow_none=True)
    price_alerts = fields.Boolean()
    item_count = fields.Integer()
    created_at = fields.DateTime()
    updated_at = fields.DateTime()


class Wishlists(Schema):
    """All lists of the caller, the default one first."""

    items = fields.List(fields.Nested(WishlistSchema))
    next_cursor = fields.String(allow_none=True)


class WishlistItemSchema(Schema):
    """A variant on a list at today's price; what is not on sale any more has no `product_slug`."""

    variant_id = fields.UUID()
    product_id = fields.UUID()
    product_slug = fields.String(allow_none=True)
    sku = fields.String()
    name = fields.String()
    options = fields.Dict(keys=fields.String(), values=fields.String())
    image = fields.Nested(ImageSchema, allow_none=True)
    price = fields.Nested(MoneyOut)
    compare_at_price = fields.Nested(MoneyOut, allow_none=True)
    price_when_added = fields.Nested(MoneyOut)
    available = fields.Integer()
    on_sale = fields.Boolean()
    added_at = fields.DateTime()


class WishlistPage(WishlistSchema):
    """A list with a page of its items, the last added first."""

    items = fields.List(fields.Nested(WishlistItemSchema))
    next_cursor = fields.String(allow_none=True)


class SharedWishlist(Schema):
    """What the holder of a link sees: nothing of the owner."""

    name = fields.String()
    items = fields.List(fields.Nested(WishlistItemSchema))
    next_cursor = fields.String(allow_none=True)


class StockAlertBody(StrictSchema):
    """The variant to wait for. Guests say where to write; members are told at their own verified address."""

    variant_id = fields.UUID(required=True)
    email = Email(load_default=None, allow_none=True)


class AskedSchema(Schema):
    """Whether the alert waits, or (for guests) a mailed link has to be followed first."""

    state = fields.String(validate=validate.OneOf(["waiting", "confirm"]))


class ConfirmAlert(StrictSchema):
    """The token of the mailed link."""

    token = fields.String(required=True, validate=validate.Length(1, 200))


class ConfirmedSchema(Schema):
    """What the address waits for now."""

    name = fields.String()
    slug = fields.String()


class StockAlertSchema(Schema):
    """Something a member waits for."""

    variant_id = fields.UUID()
    product_id = fields.UUID()
    product_slug = fields.String()
    sku = fields.String()
    name = fields.String()
    options = fields.Dict(keys=fields.String(), values=fields.String())
    image = fields.Nested(ImageSchema, allow_none=True)
    asked_at = fields.DateTime()


class StockAlerts(Schema):
    """All that a member waits for."""

    items = fields.List(fields.Nested(StockAlertSchema))
    next_cursor = fields.String(allow_none=True)
