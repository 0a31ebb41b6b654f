"""Shapes of imports."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from blueprints.http.body import StrictSchema
from blueprints.http.json_body import parse_json
from quickshop.imports.kinds import Kind
from quickshop.imports.service import MODES

_LONGEST_MAPPING = 50_000


class Mapping(fields.Field[dict[str, str | None]]):
    """A JSON object: names of columns with the fields they give, null for a column that is not read."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, str | None]:
        if not isinstance(value, str) or len(value) > _LONGEST_MAPPING:
            raise ValidationError("Send a JSON object as text.")
        found = parse_json(value.encode("utf-8", "replace"))
        if not isinstance(found, dict) or not all(v is None or isinstance(v, str) for v in found.values()):
            raise ValidationError("A JSON object of names of columns, each with a field's name or null.")
        return found


class NewImportForm(StrictSchema):
    """What is sent beside the file."""

    kind = fields.String(required=True, validate=validate.OneOf([str(kind) for kind in Kind]))
    mode = fields.String(load_default="skip_bad", validate=validate.OneOf(MODES))
    dry_run = fields.Boolean(load_default=False, truthy={"true", "1"}, falsy={"false", "0"})
    mapping = Mapping(load_default=None)


class ImportRows(Schema):
    """Rows so far: read, good and bad, those good ones that make a new variant, and those that have been done."""

    read = fields.Integer(required=True)
    good = fields.Integer(required=True)
    bad = fields.Integer(required=True)
    new = fields.Integer(required=True)
    applied = fields.Integer(required=True)


class ImportBytes(Schema):
    """How much of the file has been read."""

    read = fields.Integer(required=True)
    total = fields.Integer(required=True)


class ImportOut(Schema):
    """An import: where it stands and how far it is."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True)
    name = fields.String(required=True, metadata={"description": "The file's name"})
    state = fields.String(
        required=True,
        validate=validate.OneOf(
            ["uploaded", "checking", "checked", "applying", "finishing", "done", "stopped", "refused", "failed"]
        ),
    )
    mode = fields.String(required=True)
    dry_run = fields.Boolean(required=True)
    rows = fields.Nested(ImportRows, required=True)
    bytes = fields.Nested(ImportBytes, required=True)
    percent = fields.Integer(required=True, metadata={"description": "Of the present stage"})
    columns = fields.Dict(keys=fields.String(), values=fields.String(allow_none=True), allow_none=True)
    unknown_columns = fields.List(fields.String(), required=True, metadata={"description": "Columns that are not read"})
    failure = fields.String(allow_none=True, metadata={"description": "Why it was refused or failed, in a word"})
    created_at = fields.DateTime(required=True)
    changed_at = fields.DateTime(required=True)
    ended_at = fields.DateTime(allow_none=True)


class ImportPage(Schema):
    """Imports, the newest first."""

    items = fields.List(fields.Nested(ImportOut), required=True)
    next_cursor = fields.String(allow_none=True)


class ImportErrorOut(Schema):
    """What is wrong with a row; the first row of the file is 1."""

    row = fields.Integer(required=True)
    column = fields.String(allow_none=True, metadata={"description": "The field, or null: the row as a whole"})
    reason = fields.String(required=True, metadata={"description": "A stable machine word", "example": "duplicate_sku"})
    detail = fields.String(required=True)


class ImportErrorPage(Schema):
    """Errors in the order in which they were found."""

    items = fields.List(fields.Nested(ImportErrorOut), required=True)
    next_cursor = fields.String(allow_none=True)
