"""What staff do with an import: begin it, start it after a dry run, stop it, resume it. The work is in `working`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

from quickshop.imports import progress
from quickshop.imports.errors import ImportState, RowsFailed
from quickshop.imports.kinds import Kind, columns
from quickshop.kernel import db, outbox
from quickshop.kernel.errors import NotFound
from quickshop.kernel.outbox import TaskHint, dump

Mode = Literal["skip_bad", "all_or_nothing"]
MODES: tuple[Mode, ...] = ("skip_bad", "all_or_nothing")


def begin(
    import_id: UUID, *, mode: Mode = "skip_bad", dry_run: bool = True, mapping: Mapping[str, str | None] | None = None
) -> None:
    """Have an uploaded file checked, and unless it is a `dry_run` applied. `mapping` gives columns' names their fields.

    Raises NotFound, ImportState, ColumnsRefused.
    """
    found = _locked(import_id, "uploaded")
    chosen = columns(Kind(found.kind), found.header, mapping)
    _move(import_id, "checking", mode=mode, dry_run=dry_run, columns=dump(chosen))


def start(import_id: UUID) -> None:
    """Apply what a dry run found good. Raises NotFound, ImportState; RowsFailed where all was wanted or nothing."""
    found = _locked(import_id, "checked")
    if found.mode == "all_or_nothing" and found.rows_bad:
        raise RowsFailed(f"{found.rows_bad} rows have errors, and all or nothing was chosen.")
    _move(import_id, "applying", dry_run=False)


def stop(import_id: UUID) -> None:
    """Stop after the rows that are being done at this moment. What is done stays. Raises NotFound, ImportState.

    All or nothing is one piece of work: nothing of it stays, and once it is done there is nothing to stop.
    """
    found = _locked(import_id, "checking", "applying")
    _move(import_id, "stopped", stopped_in=found.state)


def resume(import_id: UUID) -> None:
    """Go on where a stopped import stands. Raises NotFound, ImportState."""
    found = _locked(import_id, "stopped")
    _move(import_id, found.stopped_in, stopped_in=None)


def _locked(import_id: UUID, *states: str) -> Any:
    found = db.row("SELECT * FROM imports WHERE id = :id FOR UPDATE", id=import_id)
    if found is None:
        raise NotFound("import")
    if found.state not in states:
        raise ImportState(f"It is {found.state}; this can be asked of one that is {' or '.join(states)}.")
    return found


def _move(import_id: UUID, state: str, **values: Any) -> None:
    """Change the state, take the import from whoever works on it, and wake a worker where there is work."""
    changes = "".join(f", {n} = CAST(:{n} AS jsonb)" if n == "columns" else f", {n} = :{n}" for n in values)
    db.run(
        f"UPDATE imports SET state = :state, attempt = 0, lease_token = NULL, lease_until = NULL, next_run_at = now(),"
        f" changed_at = now(){changes} WHERE id = :id",
        id=import_id,
        state=state,
        **values,
    )
    progress.tell_state(import_id)
    if state != "stopped":
        outbox.write(tasks=[hint(import_id)])


def hint(import_id: UUID) -> TaskHint:
    """What wakes a worker for an import."""
    return TaskHint("imports.process", "system", (str(import_id),))
