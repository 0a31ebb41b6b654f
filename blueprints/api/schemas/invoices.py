"""Shapes of invoices and credit notes."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from blueprints.api.schemas.common import MoneyOut, PageQuery, Text
from quickshop.invoices.documents import Kind

KINDS = [str(kind) for kind in Kind]


class InvoiceSchema(Schema):
    """An invoice or a credit note. `tax` is contained in `total`; `sha256` is of the file, once it was made."""

    number = fields.String()
    kind = fields.String(validate=validate.OneOf(KINDS))
    order = fields.String()
    total = fields.Nested(MoneyOut)
    tax = fields.Nested(MoneyOut)
    issued_at = fields.String()
    sha256 = fields.String(allow_none=True)
    url = fields.String()


class InvoiceList(Schema):
    """The invoice of an order and its credit notes."""

    items = fields.List(fields.Nested(InvoiceSchema))
    next_cursor = fields.String(allow_none=True)


class InvoicePage(InvoiceList):
    """A page of invoices and credit notes."""


class InvoiceQuery(PageQuery):
    """The query of GET /admin/invoices."""

    kind = fields.String(load_default=None, validate=validate.OneOf(KINDS))
    q = Text(40, load_default=None, metadata={"description": "The beginning of a number, or an order's number"})
    since = fields.Date(load_default=None, metadata={"description": "First day of issue, in UTC"})
    until = fields.Date(load_default=None, metadata={"description": "Last day of issue, in UTC"})


class SeriesSchema(Schema):
    """A series; `whole` is whether each number up to the last was given once."""

    name = fields.String()
    kind = fields.String()
    last_number = fields.Integer()
    whole = fields.Boolean()


class SeriesList(Schema):
    """All series, the newest first."""

    items = fields.List(fields.Nested(SeriesSchema))
    next_cursor = fields.String(allow_none=True)
