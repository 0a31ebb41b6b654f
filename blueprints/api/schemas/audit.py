"""Shapes of the audit log."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from blueprints.api.schemas.common import PageQuery, Text


class AuditQuery(PageQuery):
    """Which entries: those that match everything given, within [since, until)."""

    chain = fields.String(load_default=None, validate=validate.OneOf(("staff", "security")))
    actor = Text(200, load_default=None, metadata={"example": "user:0198c0de-0000-7000-8000-000000000000"})
    target = Text(200, load_default=None)
    action = Text(200, load_default=None)
    outcome = fields.String(load_default=None, validate=validate.OneOf(("done", "denied", "failed")))
    since = fields.AwareDateTime(load_default=None)
    until = fields.AwareDateTime(load_default=None)


class AuditEntryOut(Schema):
    """One entry: who did what to what, with which outcome."""

    chain = fields.String(required=True)
    seq = fields.Integer(required=True)
    at = fields.DateTime(required=True)
    actor = fields.String(required=True, metadata={"description": "`user:ID`, `key:ID`, `anonymous` or `system`"})
    action = fields.String(required=True)
    target = fields.String(allow_none=True)
    outcome = fields.String(required=True)
    data = fields.Dict(required=True)
    network = fields.String(allow_none=True, metadata={"description": "Never the whole address"})
    request_id = fields.String(allow_none=True)


class AuditPage(Schema):
    """Entries, newest first."""

    items = fields.List(fields.Nested(AuditEntryOut), required=True)
    next_cursor = fields.String(allow_none=True)
