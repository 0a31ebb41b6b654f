"""Shapes of messages: the inbox, the log of deliveries, ending mails with one click."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from blueprints.api.schemas.common import PageQuery
from blueprints.http.body import QuerySchema
from quickshop.accounts.preferences import CHANNELS
from quickshop.notifications.deliveries import STATES


class InboxQuery(PageQuery):
    """The part of the inbox to show."""

    unread = fields.Boolean(load_default=False)


class NotificationOut(Schema):
    """A message of the inbox, in the language of its reader. `link` is a path of the shop."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True, metadata={"example": "order.shipped"})
    topic = fields.String(required=True)
    title = fields.String(required=True)
    text = fields.String(required=True)
    action = fields.String(required=True)
    link = fields.String(required=True)
    order_number = fields.String(required=True, allow_none=True)
    at = fields.DateTime(required=True)
    read_at = fields.DateTime(required=True, allow_none=True)


class InboxPage(Schema):
    """Messages, the newest first, and how many are unread."""

    items = fields.List(fields.Nested(NotificationOut), required=True)
    next_cursor = fields.String(allow_none=True)
    unread = fields.Integer(required=True)


class UnreadOut(Schema):
    """How many messages are unread now."""

    unread = fields.Integer(required=True)


class TokenQuery(QuerySchema):
    """What a mailed link carries."""

    token = fields.String(required=True, validate=validate.Length(1, 300))


class DeliveryOut(Schema):
    """That a message went out over a channel, or waits to."""

    channel = fields.String(required=True)
    kind = fields.String(required=True)
    topic = fields.String(required=True, allow_none=True)
    title = fields.String(required=True)
    state = fields.String(required=True, metadata={"enum": list(STATES)})
    happened_at = fields.DateTime(required=True)
    sent_at = fields.DateTime(required=True, allow_none=True)


class DeliveriesOut(Schema):
    """What was told of an order, the oldest first, in one page."""

    items = fields.List(fields.Nested(DeliveryOut), required=True)
    next_cursor = fields.String(allow_none=True)


class DeliveryQuery(PageQuery):
    """Which deliveries staff look for."""

    order = fields.String(load_default=None, validate=validate.Length(max=40))
    customer_id = fields.UUID(load_default=None)
    channel = fields.String(load_default=None, validate=validate.OneOf(CHANNELS))
    state = fields.String(load_default=None, validate=validate.OneOf(STATES))


class StaffDeliveryOut(DeliveryOut):
    """A delivery as staff see it: never where it went, nor what it says of a person."""

    id = fields.Integer(required=True)
    order_number = fields.String(required=True, allow_none=True)
    customer_id = fields.UUID(required=True, allow_none=True)
    attempts = fields.Integer(required=True)
    last_error = fields.String(required=True, allow_none=True)
    next_run_at = fields.DateTime(required=True, allow_none=True)
    resend_of = fields.Integer(required=True, allow_none=True)
    resendable = fields.Boolean(required=True)


class PausedOut(Schema):
    """A channel whose outside world is away."""

    channel = fields.String(required=True)
    since = fields.DateTime(required=True)
    try_at = fields.DateTime(required=True)
    reason = fields.String(required=True)
    waiting = fields.Integer(required=True)


class StaffDeliveryPage(Schema):
    """Deliveries, the last made first, and which channels are left alone at the moment."""

    items = fields.List(fields.Nested(StaffDeliveryOut), required=True)
    next_cursor = fields.String(allow_none=True)
    paused = fields.List(fields.Nested(PausedOut), required=True)


class ResentOut(Schema):
    """The id of the new delivery."""

    id = fields.Integer(required=True)
