"""From the outbox to the outlet: claim a batch, send it, mark it sent. A batch that cannot be sent is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from quickshop.kernel import outbox
from quickshop.kernel.outbox import TaskHint
from quickshop.kernel.unit_of_work import run_unit
from tasks.coalescing import Coalescer
from tasks.feed import Feed

BATCH = 200

Send = Callable[[Sequence[dict[str, Any]], Sequence[TaskHint]], None]


@dataclass
class Batch:
    """Claimed rows on their way, in log order."""

    ids: list[int] = field(default_factory=list)
    frames: list[dict[str, Any]] = field(default_factory=list)
    hints: list[TaskHint] = field(default_factory=list)

    @classmethod
    def of(cls, rows: Sequence[Any]) -> Batch:
        """The rows as one batch."""
        batch = cls()
        for row in rows:
            batch.ids.append(row.id)
            batch.frames.extend(row.frames)
            batch.hints.extend(TaskHint(t["name"], t["queue"], tuple(t["args"])) for t in row.tasks)
        return batch


class Pump:
    """Moves batches. Needs an application context.

    What was sent is marked together with the next claim, so that a busy relay commits once per batch.
    """

    def __init__(self, send: Send, feed: Feed) -> None:
        self._send = send
        self._feed = feed
        self._coalescer = Coalescer()
        self._batch: Batch | None = None
        self._unmarked: list[int] = []

    @property
    def busy(self) -> bool:
        """Whether a batch waits to be sent or marked."""
        return self._batch is not None or bool(self._unmarked)

    def forget(self) -> None:
        """Drop what is in hand: somebody else leads now and will send it."""
        self._batch = None
        self._unmarked = []

    def move_batch(self) -> int:
        """Send one batch; how many rows it had.

        Raises RedisError, SQLAlchemyError; what was claimed is then kept for the next call.
        """
        if self._batch is None:
            self._batch = Batch.of(run_unit(self._mark_and_claim))
            self._unmarked = []
        batch = self._batch
        if batch.ids:
            self._send(batch.frames, self._coalescer.filter(batch.hints, time.monotonic()))
            self._feed.note(batch.frames)
        self._batch, self._unmarked = None, batch.ids
        return len(batch.ids)

    def _mark_and_claim(self) -> list[Any]:
        if self._unmarked:
            outbox.mark_sent(self._unmarked)
        return outbox.claim(BATCH)

    def send_held(self) -> None:
        """Send hints that were held back a moment and are due. Raises RedisError."""
        due = self._coalescer.due(time.monotonic())
        if due:
            self._send((), due)
