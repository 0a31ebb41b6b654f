"""Shapes of conversations with support."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from blueprints.api.schemas.common import Email, PageQuery, Prose, StrictBool, StrictInt, Text
from blueprints.http.body import StrictSchema
from quickshop.support.canned import LONGEST_TITLE
from quickshop.support.rules import LONGEST_BODY, LONGEST_SUBJECT, MOST_FILES
from quickshop.support.states import Side, State

_STATE = validate.OneOf(list(State))
_ORDER_NUMBER = 40


class OpenTicketBody(StrictSchema):
    """A question. A guest sends X-Order-Token, or says at which address they read the answer."""

    subject = Text(LONGEST_SUBJECT, required=True)
    body = Prose(LONGEST_BODY, required=True)
    order = Text(_ORDER_NUMBER, load_default=None, allow_none=True)
    email = Email(load_default=None, allow_none=True)


class SayBody(StrictSchema):
    """A message; words may be left out where files are sent that were uploaded before."""

    body = Prose(LONGEST_BODY, 0, load_default="")
    attachments = fields.List(fields.UUID(), load_default=list, validate=validate.Length(max=MOST_FILES))

    @validates_schema
    def _says_something(self, data: dict[str, Any], **_: Any) -> None:
        if not data.get("body") and not data.get("attachments"):
            raise ValidationError("Please write a few words, or send a file.", "body")


class ReplyBody(SayBody):
    """What staff write: an answer, or (`internal`) a note that no shopper is shown; `state` is where it stands then."""

    internal = StrictBool(load_default=False)
    state = fields.String(load_default=str(State.ANSWERED), validate=validate.OneOf([State.ANSWERED, State.SOLVED]))


class AttachmentSchema(Schema):
    """A file, by the type that its content has."""

    id = fields.UUID()
    name = fields.String()
    type = fields.String()
    size = fields.Integer(metadata={"description": "Bytes"})
    url = fields.String()


class MessageSchema(Schema):
    """What one side said. `name` is the first name of who answered."""

    id = fields.UUID()
    by = fields.String(validate=validate.OneOf([Side.CUSTOMER, Side.STAFF]))
    name = fields.String(allow_none=True)
    body = fields.String()
    at = fields.DateTime()
    attachments = fields.List(fields.Nested(AttachmentSchema))


class TicketItem(Schema):
    """A conversation in a list. `state`: open (staff have to answer), answered, solved, closed."""

    id = fields.UUID()
    number = fields.Integer()
    subject = fields.String()
    state = fields.String(validate=_STATE)
    order = fields.String(allow_none=True)
    created_at = fields.DateTime()
    updated_at = fields.DateTime()


class TicketSchema(TicketItem):
    """A conversation with all that was said; `topic` is where its live events are."""

    closed_at = fields.DateTime(allow_none=True)
    topic = fields.String()
    messages = fields.List(fields.Nested(MessageSchema))


class OpenedForAddress(Schema):
    """A question of a guest: the link to the conversation was mailed, and is the only way to it."""

    id = fields.UUID()
    mailed = fields.Boolean()


class TicketPage(Schema):
    """A page of them."""

    items = fields.List(fields.Nested(TicketItem))
    next_cursor = fields.String(allow_none=True)


class InboxArgs(PageQuery):
    """Which conversations: `assignee` is `me`, `none` or somebody's id."""

    state = fields.String(load_default=None, validate=_STATE)
    assignee = fields.String(load_default=None, validate=validate.Length(max=36))
    order = fields.String(load_default=None, validate=validate.Length(max=_ORDER_NUMBER))


class AssigneeSchema(Schema):
    """Somebody who may answer."""

    id = fields.UUID()
    username = fields.String()


class TicketCustomer(Schema):
    """Whose it is; without an id a guest."""

    id = fields.UUID(allow_none=True)
    name = fields.String()
    email = fields.String(allow_none=True)
    vip = fields.Boolean()


class StaffTicketItem(TicketItem):
    """A conversation as staff see it; `version` goes back with a change."""

    version = fields.Integer()
    assignee = fields.Nested(AssigneeSchema, allow_none=True)
    customer = fields.Nested(TicketCustomer)


class StaffMessageSchema(MessageSchema):
    """A message or a note; `name` is the username of who wrote for the shop."""

    by = fields.String(validate=validate.OneOf(list(Side)))


class StaffTicketSchema(StaffTicketItem):
    """A conversation with all that was said and noted."""

    closed_at = fields.DateTime(allow_none=True)
    messages = fields.List(fields.Nested(StaffMessageSchema))


class StaffTicketPage(Schema):
    """A page of them."""

    items = fields.List(fields.Nested(StaffTicketItem))
    next_cursor = fields.String(allow_none=True)


class ChangeTicketBody(StrictSchema):
    """What to change, and the version that was seen: 409 `ticket_changed` where somebody was quicker."""

    version = StrictInt(1, 2**53, required=True)
    state = fields.String(validate=_STATE)
    assignee_id = fields.UUID(allow_none=True)


class CannedReplyBody(StrictSchema):
    """Words to keep; `{name}` and `{order}` in them are filled in where they are used."""

    title = Text(LONGEST_TITLE, required=True)
    body = Prose(LONGEST_BODY, required=True)


class ChangeCannedReplyBody(CannedReplyBody):
    """The same, with the version that was seen."""

    version = StrictInt(1, 2**53, required=True)


class CannedReplySchema(Schema):
    """Words that staff keep."""

    id = fields.UUID()
    title = fields.String()
    body = fields.String()
    version = fields.Integer()
    created_at = fields.DateTime()


class CannedReplies(Schema):
    """All of them."""

    items = fields.List(fields.Nested(CannedReplySchema))
    next_cursor = fields.String(allow_none=True)


class Answerers(Schema):
    """All who may answer."""

    items = fields.List(fields.Nested(AssigneeSchema))
    next_cursor = fields.String(allow_none=True)
