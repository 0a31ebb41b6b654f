"""Reads of imports: the list, one of them, what is wrong with its rows, and which wait for a worker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from quickshop.imports.cells import neutral
from quickshop.imports.kinds import FIELDS as KIND_FIELDS
from quickshop.imports.kinds import Kind, proposal
from quickshop.imports.progress import FIELDS, view
from quickshop.imports.reading import row_of
from quickshop.kernel import db
from quickshop.kernel.errors import NotFound
from quickshop.kernel.ids import parse_id
from quickshop.kernel.pagination import decode_cursor, page

PAGE = 1000


def list_imports(*, limit: int = 24, cursor: str | None = None) -> dict[str, Any]:
    """A page of imports, the newest first: {items, next_cursor}."""
    condition, values = "true", {}
    if cursor:
        [after] = decode_cursor(cursor, str)
        condition, values = "id < :after", {"after": parse_id(after, "page")}
    found = db.rows(
        f"SELECT {FIELDS} FROM imports WHERE {condition} ORDER BY id DESC LIMIT :limit", limit=limit + 1, **values
    )
    shown, next_cursor = page(found, limit, "id")
    return {"items": [view(row) for row in shown], "next_cursor": next_cursor}


def get_import(import_id: UUID) -> dict[str, Any]:
    """One import. Raises NotFound."""
    return view(_row(import_id))


def mapping_of(import_id: UUID) -> list[dict[str, Any]]:
    """The columns of an uploaded file with the fields they seem to give: [{name, field}]. Raises NotFound."""
    found = _row(import_id)
    proposed = proposal(Kind(found.kind), found.header)
    return [{"name": name, "field": proposed[name]} for name in found.header]


def fields_of(kind: str) -> list[dict[str, Any]]:
    """The fields that a kind's columns can give: [{name, required, hint}]."""
    return [{"name": f.name, "required": f.required, "hint": f.hint} for f in KIND_FIELDS[Kind(kind)]]


def _row(import_id: UUID) -> Any:
    found = db.row(f"SELECT {FIELDS} FROM imports WHERE id = :id", id=import_id)
    if found is None:
        raise NotFound("import")
    return found


def list_errors(import_id: UUID, *, limit: int = 24, cursor: str | None = None) -> dict[str, Any]:
    """What is wrong with the rows, in the order in which it was found: {items, next_cursor}. Raises NotFound."""
    _row(import_id)
    after = decode_cursor(cursor, int)[0] if cursor else 0
    found = _errors(import_id, after, limit + 1)
    shown, next_cursor = page(found, limit, "id")
    items = [{"row": r.row, "column": r.field, "reason": r.reason, "detail": r.detail} for r in shown]
    return {"items": items, "next_cursor": next_cursor}


def _errors(import_id: UUID, after: int, limit: int) -> list[Any]:
    return db.rows(
        "SELECT id, row, field, reason, detail FROM import_errors WHERE import_id = :id AND id > :after"
        " ORDER BY id LIMIT :limit",
        id=import_id,
        after=after,
        limit=limit,
    )


def errors_csv(import_id: UUID) -> Iterator[str]:
    """The same as a file, a piece at a time. Raises NotFound, at once."""
    _row(import_id)
    return _error_rows(import_id)


def _error_rows(import_id: UUID) -> Iterator[str]:
    yield row_of(("row", "column", "reason", "detail"))
    after = 0
    while found := _errors(import_id, after, PAGE):
        yield "".join(row_of((r.row, r.field or "", r.reason, neutral(r.detail))) for r in found)
        after = found[-1].id


def due(limit: int = 20) -> list[UUID]:
    """Imports with work that nobody does: the hint was lost, a worker died, or a retry has come."""
    return [
        r.id
        for r in db.rows(
            """
            SELECT id FROM imports WHERE state IN ('checking', 'applying', 'finishing') AND next_run_at <= now()
              AND (lease_until IS NULL OR lease_until < now()) ORDER BY next_run_at LIMIT :limit
            """,
            limit=limit,
        )
    ]
