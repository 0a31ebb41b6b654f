"""Shapes of outbound webhooks as staff and integrators see them."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from blueprints.api.schemas.common import PageQuery, StrictBool, StrictInt, Text
from blueprints.http.body import StrictSchema
from quickshop.webhooks.queries import STATES
from quickshop.webhooks.rules import LONGEST_NAME, LONGEST_URL, MOST_PATTERNS
from quickshop.webhooks.service import MOST_HOURS_OF_TWO_SECRETS


def _events(**kwargs: Any) -> fields.List:
    about = {"description": "`*`, all of a noun (`order.*`), or types (`order.shipped`)"}
    return fields.List(Text(80), validate=validate.Length(1, MOST_PATTERNS), metadata=about, **kwargs)


class NewWebhookBody(StrictSchema):
    """An address to tell of events."""

    name = Text(LONGEST_NAME, required=True)
    url = Text(LONGEST_URL, required=True)
    events = _events(required=True)


class ChangeWebhookBody(StrictSchema):
    """What to change; a field left out stays. Enabling forgets what failed and sends what waits."""

    name = Text(LONGEST_NAME)
    url = Text(LONGEST_URL)
    events = _events()
    enabled = StrictBool()
    version = StrictInt(1, 2**53)

    @validates_schema
    def check_something(self, data: Any, **_: Any) -> None:
        """A change must say what to change."""
        if not data.keys() - {"version"}:
            raise ValidationError("Say what to change.", "name")


class RotateBody(StrictSchema):
    """For how many hours the secret before signs beside the new one; 0 for one that leaked."""

    hours = StrictInt(0, MOST_HOURS_OF_TWO_SECRETS, load_default=24)


class RecoverBody(StrictSchema):
    """The last `seq` that is not in doubt: what came behind it and was not taken is sent again."""

    after = StrictInt(0, 2**53, required=True)


class BreakerSchema(Schema):
    """How the endpoint fares. `open`: nothing is sent for a while; `trying`: the next delivery decides."""

    state = fields.String(metadata={"enum": ["closed", "open", "trying"]})
    failures = fields.Integer(metadata={"description": "One after the other, since the last success"})
    failing_since = fields.String(allow_none=True)
    tried_again_at = fields.String(allow_none=True)


class WebhookSchema(Schema):
    """An address that is told of events; `given_up` after three days of failures, or where it answered 410."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    url = fields.String(required=True)
    events = fields.List(fields.String(), required=True)
    state = fields.String(required=True, metadata={"enum": ["active", "disabled", "given_up"]})
    breaker = fields.Nested(BreakerSchema, required=True)
    waiting = fields.Integer(required=True, metadata={"description": "Deliveries that are still to be made"})
    previous_secret_until = fields.String(allow_none=True)
    version = fields.Integer(required=True)
    created_at = fields.String(required=True)


class MadeWebhook(WebhookSchema):
    """An endpoint with its new secret, which is shown here and never again."""

    secret = fields.String(required=True, metadata={"example": "whsec_…"})


class WebhookList(Schema):
    """All endpoints."""

    items = fields.List(fields.Nested(WebhookSchema), required=True)
    next_cursor = fields.String(allow_none=True)


class WebhookEventSchema(Schema):
    """What happened, in the very form that is sent. `seq` counts 1, 2, 3 … for the whole shop."""

    id = fields.UUID(required=True)
    seq = fields.Integer(required=True)
    type = fields.String(required=True)
    timestamp = fields.String(required=True)
    data = fields.Dict(required=True)


class WebhookEventPage(Schema):
    """Events in their order."""

    items = fields.List(fields.Nested(WebhookEventSchema), required=True)
    next_cursor = fields.String(allow_none=True)


class AttemptSchema(Schema):
    """One try: the status of the answer after so many milliseconds, or a word for why there was none."""

    at = fields.String(required=True)
    status = fields.Integer(allow_none=True)
    error = fields.String(
        allow_none=True,
        metadata={
            "description": "redirect, timeout, unreachable, name_not_found, private_address, tls, connection_lost, "
            "bad_answer, fault"
        },
    )
    milliseconds = fields.Integer(required=True)


class DeliverySchema(Schema):
    """An event on its way to an endpoint; `attempts` are those since it was last sent by hand."""

    id = fields.UUID(required=True)
    webhook_id = fields.UUID(required=True)
    event = fields.Nested(WebhookEventSchema, required=True)
    state = fields.String(required=True, metadata={"enum": list(STATES)})
    attempts = fields.Integer(required=True)
    next_attempt_at = fields.String(allow_none=True)
    last_attempt = fields.Nested(AttemptSchema, allow_none=True)
    created_at = fields.String(required=True)
    ended_at = fields.String(allow_none=True)


class DeliveryWithAttempts(DeliverySchema):
    """A delivery with every attempt, the first one first."""

    tried = fields.List(fields.Nested(AttemptSchema), required=True)


class DeliveryPage(Schema):
    """A page of deliveries."""

    items = fields.List(fields.Nested(DeliverySchema), required=True)
    next_cursor = fields.String(allow_none=True)


class DeliveryListArgs(PageQuery):
    """Which deliveries to show."""

    state = fields.String(load_default=None, validate=validate.OneOf(STATES))


class RecoveredSchema(Schema):
    """How many events are sent."""

    sent = fields.Integer(required=True)
