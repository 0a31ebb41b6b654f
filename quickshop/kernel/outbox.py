"""The transactional outbox: what must leave the shop is written with the facts and sent by the relay after commit.

`frames` are live messages `{topic, seq, type, at, data, request_id}`; `tasks` are hints `{name, queue, args}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from quickshop.kernel import db

CLAIM_SECONDS = 10


@dataclass(frozen=True)
class TaskHint:
    """A task the relay should send: a name, the queue that serves it, and ids only."""

    name: str
    queue: str
    args: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The stored form."""
        return {"name": self.name, "queue": self.queue, "args": list(self.args)}


def dump(value: Any) -> str:
    """JSON text for a jsonb parameter."""
    return orjson.dumps(value).decode()


def write(frames: Sequence[dict[str, Any]] = (), tasks: Sequence[TaskHint] = ()) -> None:
    """Put frames and task hints into the outbox of the current transaction."""
    db.run_along(
        "INSERT INTO outbox (frames, tasks) VALUES (CAST(:frames AS jsonb), CAST(:tasks AS jsonb))",
        frames=dump(list(frames)),
        tasks=dump([t.as_dict() for t in tasks]),
    )


_CLAIM = """
WITH due AS (
    SELECT id FROM outbox
    WHERE sent_at IS NULL AND (lease_until IS NULL OR lease_until < clock_timestamp())
    ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED
)
UPDATE outbox o SET lease_until = clock_timestamp() + make_interval(secs => :seconds)
FROM due WHERE o.id = due.id
RETURNING o.id, o.frames, o.tasks, o.created_at
"""


def claim(limit: int) -> list[Any]:
    """Take up to `limit` unsent rows for a short while, oldest first."""
    return sorted(db.rows(_CLAIM, limit=limit, seconds=CLAIM_SECONDS), key=lambda r: r.id)


def mark_sent(ids: Sequence[int]) -> None:
    """Record that rows were sent."""
    db.run_along(
        "UPDATE outbox SET sent_at = clock_timestamp(), lease_until = NULL WHERE id = ANY(:ids)",
        ids=list(ids),
    )


def prune(keep_seconds: int = 600) -> int:
    """Delete rows sent longer ago than `keep_seconds`; returns how many."""
    return db.run("DELETE FROM outbox WHERE sent_at < now() - make_interval(secs => :keep)", keep=keep_seconds).rowcount
