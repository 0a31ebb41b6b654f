"""How far an import is, as clients see it, and the frames that tell open pages of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from quickshop.kernel import clock, db, outbox

TOPIC = "admin:imports"
WORKING = ("checking", "applying", "finishing")

FIELDS = """id, kind, name, state, stopped_in, mode, dry_run, header, columns, size_bytes, position, rows_read,
    rows_good, rows_bad, rows_new, rows_applied, created_at, changed_at, ended_at, failure"""


def view(row: Any) -> dict[str, Any]:
    """An import as the API and the socket give it."""
    columns = row.columns or []
    return {
        "id": str(row.id),
        "kind": row.kind,
        "name": row.name,
        "state": row.state,
        "mode": row.mode,
        "dry_run": row.dry_run,
        "rows": {
            "read": row.rows_read,
            "good": row.rows_good,
            "bad": row.rows_bad,
            "new": row.rows_new,
            "applied": row.rows_applied,
        },
        "bytes": {"read": row.position, "total": row.size_bytes},
        "percent": _percent(row),
        "columns": dict(zip(row.header, columns, strict=True)) if columns else None,
        "unknown_columns": [name for name, field in zip(row.header, columns, strict=False) if field is None],
        "failure": row.failure,
        "created_at": clock.rfc3339(row.created_at),
        "changed_at": clock.rfc3339(row.changed_at),
        "ended_at": clock.rfc3339(row.ended_at),
    }


def _percent(row: Any) -> int:
    """How much of the present stage is done: of the bytes while checking, of the good rows while applying."""
    if row.state == "done":
        return 100
    stage = row.stopped_in or row.state
    done, whole = (row.rows_applied, row.rows_good) if stage == "applying" else (row.position, row.size_bytes)
    return 100 * done // whole if whole else 100


def tell_state(import_id: UUID) -> None:
    """Tell open pages at once that an import's state changed."""
    _tell(import_id, "import.changed")


def tell_progress(import_id: UUID) -> None:
    """Tell open pages how far it is, at most once a second for an import."""
    due = db.scalar(
        "UPDATE imports SET told_at = clock_timestamp()"
        " WHERE id = :id AND told_at <= clock_timestamp() - interval '1 second' RETURNING true",
        id=import_id,
    )
    if due:
        _tell(import_id, "import.progress")


def _tell(import_id: UUID, type_: str) -> None:
    found = view(db.row(f"SELECT {FIELDS} FROM imports WHERE id = :id", id=import_id))
    shown = {name: found[name] for name in ("id", "kind", "name", "state", "rows", "bytes", "percent", "failure")}
    frame = {"topic": TOPIC, "seq": None, "type": type_, "at": clock.rfc3339(clock.now()), "data": shown}
    outbox.write(frames=[{**frame, "request_id": None}])
