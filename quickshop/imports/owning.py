"""A worker's hold on an import, and how its state moves under it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from quickshop.extensions import settings
from quickshop.imports import progress
from quickshop.kernel import db


class Overtaken(Exception):
    """The import was stopped, or belongs to another worker by now; nothing of what was being done is kept."""


@dataclass(frozen=True)
class Work:
    """An import in the hands of a worker, by the token of its lease."""

    import_id: UUID
    lease: UUID


def own(work: Work) -> Any:
    """The import's row, locked until the unit of work ends, with the lease renewed. Raises Overtaken."""
    found = db.row(
        """
        UPDATE imports SET lease_until = now() + make_interval(secs => :seconds)
        WHERE id = :id AND lease_token = :lease RETURNING *
        """,
        id=work.import_id,
        lease=work.lease,
        seconds=settings().lease_seconds,
    )
    if found is None:
        raise Overtaken
    return found


_KEEP = """
UPDATE imports SET lease_until = now() + make_interval(secs => :seconds)
WHERE id = :id AND lease_token = :lease RETURNING id
"""


def keep(work: Work, seconds: int) -> None:
    """Renew the lease beside the unit of work in hand. Raises Overtaken where somebody stopped the import meanwhile."""
    if not db.scalar(
        "SELECT 1 FROM imports WHERE id = :id AND lease_token = :lease", id=work.import_id, lease=work.lease
    ):
        raise Overtaken


def move(work: Work, state: str) -> None:
    """Go on to another state of work, or wait for staff. Raises Overtaken."""
    _set(work, "state = :state, attempt = 0, changed_at = now()", state=state)
    progress.tell_state(work.import_id)


def end(work: Work, state: str, failure: str | None = None) -> None:
    """The last state, and in a word why where it is not `done`. Raises Overtaken."""
    _set(work, "state = :state, failure = :failure, changed_at = now(), ended_at = now()", state=state, failure=failure)
    progress.tell_state(work.import_id)


def advance(work: Work, **values: int) -> None:
    """Set what a batch changed of position and counts, and tell open pages of it. Raises Overtaken."""
    _set(work, ", ".join(["attempt = 0", *(f"{name} = :{name}" for name in values)]), **values)
    progress.tell_progress(work.import_id)


def _set(work: Work, changes: str, **values: Any) -> None:
    done = db.run(
        f"UPDATE imports SET {changes} WHERE id = :id AND lease_token = :lease",
        id=work.import_id,
        lease=work.lease,
        **values,
    )
    if not done.rowcount:
        raise Overtaken
