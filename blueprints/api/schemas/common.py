"""Fields and shapes that several domains share: strict numbers, texts, money, pages, problems."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from blueprints.http.body import QuerySchema, StrictSchema

_INTEGER = re.compile(r"-?[0-9]{1,18}").fullmatch
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]").search
_CONTROL_BUT_BREAKS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]").search
_EMAIL = re.compile(r"[^@\s\x00-\x1f\"(),:;<>\\\[\]]{1,64}@[^@\s\x00-\x1f]{1,190}").fullmatch
_DOMAIN_PART = re.compile(r"[^\W_](?:[\w-]{0,61}[^\W_])?").fullmatch
LARGEST_AMOUNT = 10**15


class StrictInt(fields.Integer):
    """A whole number written as a JSON integer, within bounds: no float, no text, no boolean."""

    def __init__(self, low: int = 0, high: int = 2**31 - 1, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(low, high), **kwargs)

    def _validated(self, value: Any) -> int:
        if type(value) is not int:
            raise self.make_error("invalid", input=value)
        return value


class StrictBool(fields.Boolean):
    """JSON's true or false: no number, no text."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if type(value) is not bool:
            raise self.make_error("invalid", input=value)
        return value


class QueryInt(fields.Integer):
    """A whole number in a query string, within bounds."""

    def __init__(self, low: int = 0, high: int = 2**31 - 1, **kwargs: Any) -> None:
        super().__init__(validate=validate.Range(low, high), **kwargs)

    def _validated(self, value: Any) -> int:
        if not isinstance(value, str) or not _INTEGER(value):
            raise self.make_error("invalid", input=value)
        return int(value)


class Text(fields.String):
    """A line of text without control characters, stripped, `low` to `high` characters long."""

    control = staticmethod(_CONTROL)

    def __init__(self, high: int, low: int = 1, **kwargs: Any) -> None:
        super().__init__(validate=validate.Length(low, high), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        value = value.strip()
        if self.control(value):
            raise ValidationError("Control characters are not allowed.")
        return value


class Prose(Text):
    """A text of several lines, else as `Text`."""

    control = staticmethod(_CONTROL_BUT_BREAKS)


def check_email(value: str) -> None:
    """Raises ValidationError unless `value` could be an e-mail address."""
    local, _, domain = value.rpartition("@")
    parts = domain.split(".")
    fine = _EMAIL(value) and len(parts) > 1 and all(_DOMAIN_PART(part) for part in parts)
    if not fine or local.startswith(".") or local.endswith(".") or ".." in local:
        raise ValidationError("Not a valid e-mail address.")


class Email(Text):
    """An e-mail address of up to 254 characters."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(254, 3, **{"metadata": {"format": "email"}, **kwargs})
        self.validators.append(check_email)


class MoneyIn(StrictSchema):
    """Money as a client states it: whole minor units and an ISO 4217 code."""

    amount = StrictInt(0, LARGEST_AMOUNT, required=True)
    currency = fields.String(required=True, validate=validate.Regexp(r"^[A-Z]{3}$", error="Not an ISO 4217 code."))


class MoneyOut(Schema):
    """Money: whole minor units and an ISO 4217 code."""

    amount = fields.Integer(required=True, metadata={"description": "Minor units", "example": 1999})
    currency = fields.String(required=True, metadata={"example": "USD"})


class PageQuery(QuerySchema):
    """The part of a list to show."""

    limit = QueryInt(1, 100, load_default=24)
    cursor = fields.String(load_default=None, validate=validate.Length(max=1024))


class EventsQuery(QuerySchema):
    """From where to read a log: entries after this `seq`."""

    after = QueryInt(0, 2**53, load_default=0)
    limit = QueryInt(1, 500, load_default=500)


class EventOut(Schema):
    """One entry of a log, the same that the socket gives."""

    seq = fields.Integer(required=True)
    type = fields.String(required=True)
    at = fields.DateTime(required=True)
    data = fields.Dict(required=True)
    request_id = fields.String(allow_none=True)


class EventsOut(Schema):
    """Entries of a log in order."""

    items = fields.List(fields.Nested(EventOut), required=True)
    next_cursor = fields.String(allow_none=True)


class Problem(Schema):
    """An error (RFC 9457)."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    code = fields.String(required=True, metadata={"description": "A stable machine word"})
    request_id = fields.String(required=True)
    errors = fields.Dict(keys=fields.String(), values=fields.List(fields.String()))
    rules = fields.List(
        fields.String(), metadata={"description": "The rules a password breaks, by name", "example": ["too_short"]}
    )
