"""Shapes of staff's work on orders: stages, what waits and what was given up, notes, bulk actions, the pick list."""

from __future__ import annotations

from typing import ClassVar

from marshmallow import Schema, fields, validate

from blueprints.api.schemas.common import PageQuery, Prose, Text
from blueprints.http.body import QuerySchema, StrictSchema
from quickshop.orders import bulk
from quickshop.orders.priority import Priority

STAGES = ("authorize", "capture", "void", "refund", "hold")


class RetrySchema(Schema):
    """A try that came to nothing, and the kind of its error."""

    at = fields.String()
    error_class = fields.String(allow_none=True)


class PassedStage(Schema):
    """A stage that the order has passed. `started_at`: when a worker first took it; `retries` tells the first 20."""

    position = fields.Integer()
    stage = fields.String(metadata={"enum": list(STAGES)})
    entered_at = fields.String()
    started_at = fields.String(allow_none=True)
    ended_at = fields.String()
    waited_ms = fields.Integer()
    worked_ms = fields.Integer()
    attempts = fields.Integer()
    outcome = fields.String()
    error_class = fields.String(allow_none=True)
    wait_reason = fields.String(allow_none=True)
    retries = fields.List(fields.Nested(RetrySchema))


class WaitingOrder(Schema):
    """An order on which something is still to be done, and why it waits."""

    id = fields.UUID()
    number = fields.String()
    status = fields.String()
    payment_status = fields.String()
    priority = fields.String()
    priority_reason = fields.String()
    queue = fields.String()
    stage = fields.String(metadata={"enum": list(STAGES)})
    reason = fields.String()
    since = fields.String()
    attempts = fields.Integer()
    next_try_at = fields.String(allow_none=True)
    error_class = fields.String(allow_none=True)
    retries = fields.List(fields.Nested(RetrySchema))


class OrderStages(Schema):
    """The stages an order has passed, and the one in which it stands, if work is left."""

    items = fields.List(fields.Nested(PassedStage))
    present = fields.Nested(WaitingOrder, allow_none=True)


class WaitingArgs(PageQuery):
    """The query of GET /admin/processing."""

    priority = fields.String(load_default=None, validate=validate.OneOf([str(p) for p in Priority]))
    stage = fields.String(load_default=None, validate=validate.OneOf(STAGES))


class WaitingSum(Schema):
    """How many orders of a class wait in a stage for one reason, and since when the first."""

    priority = fields.String()
    stage = fields.String()
    reason = fields.String()
    orders = fields.Integer()
    since = fields.String()
    most_attempts = fields.Integer()


class WaitingPage(Schema):
    """A page of orders that wait, longest first; `summary` counts all of them."""

    items = fields.List(fields.Nested(WaitingOrder))
    next_cursor = fields.String(allow_none=True)
    summary = fields.List(fields.Nested(WaitingSum))


class FailedTask(Schema):
    """Work that was given up and waits for staff."""

    id = fields.UUID()
    kind = fields.String()
    number = fields.String()
    status = fields.String()
    payment_status = fields.String()
    priority = fields.String()
    priority_reason = fields.String()
    stage = fields.String()
    reason = fields.String()
    error_class = fields.String(allow_none=True)
    attempts = fields.Integer()
    retries = fields.List(fields.Nested(RetrySchema))
    entered_at = fields.String(allow_none=True)
    failed_at = fields.String()


class FailedTaskPage(Schema):
    """A page of it, longest first."""

    items = fields.List(fields.Nested(FailedTask))
    next_cursor = fields.String(allow_none=True)


class NoteBody(StrictSchema):
    """What staff write for each other."""

    body = Prose(2000, required=True)


class NoteSchema(Schema):
    """A note; `body` is null after the person who ordered was erased."""

    id = fields.UUID()
    author = fields.String(allow_none=True)
    body = fields.String(allow_none=True)
    at = fields.String()


class NoteList(Schema):
    """The notes on an order, newest first."""

    items = fields.List(fields.Nested(NoteSchema))
    next_cursor = fields.String(allow_none=True)


class BulkBody(StrictSchema):
    """One action on many orders."""

    action = fields.String(required=True, validate=validate.OneOf(bulk.ACTIONS))
    numbers = fields.List(Text(40), required=True, validate=validate.Length(1, bulk.MOST_ORDERS))


class BulkRow(Schema):
    """What came of it for one order; `code` and `detail` say why not."""

    number = fields.String()
    done = fields.Boolean()
    code = fields.String(allow_none=True)
    detail = fields.String(allow_none=True)


class BulkAnswer(Schema):
    """A row for each order."""

    items = fields.List(fields.Nested(BulkRow))
    next_cursor = fields.String(allow_none=True)


class PickArgs(QuerySchema):
    """The query of GET /admin/pick-list."""

    repeatable: ClassVar[frozenset[str]] = frozenset({"number"})

    number = fields.List(Text(40), load_default=None, validate=validate.Length(1, 200))


class PickLine(Schema):
    """Units of an article; `orders` is how many orders want it."""

    sku = fields.String()
    name = fields.String()
    options = fields.Dict(keys=fields.String(), values=fields.String())
    units = fields.Integer()
    orders = fields.Integer()


class PickOrder(Schema):
    """What of one order is still to be packed."""

    number = fields.String()
    priority = fields.String()
    priority_reason = fields.String()
    confirmed_at = fields.String()
    deliver_by = fields.String()
    shipping_method = fields.String()
    country = fields.String()
    lines = fields.List(fields.Nested(PickLine))


class PickList(Schema):
    """Open units of paid orders, most urgent orders first, and their sums by article."""

    made_at = fields.String()
    orders = fields.List(fields.Nested(PickOrder))
    articles = fields.List(fields.Nested(PickLine))
