"""A worker's turn at an import: take it, do batches for a while, hand it on. A killed worker's batch never happened.

Each batch is one transaction that holds its rows, the import's new position and the worker's lease; a turn is short, so
that other work of the same queue is not kept waiting.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Iterator, Mapping
from typing import Any, Protocol
from uuid import UUID

from quickshop.extensions import settings
from quickshop.imports import applying, checking, pruning
from quickshop.imports.owning import Overtaken, Work, end, own
from quickshop.imports.service import hint
from quickshop.kernel import db, outbox
from quickshop.kernel.ids import new_id
from quickshop.kernel.unit_of_work import run_unit

log = logging.getLogger(__name__)

TURN_SECONDS = 2.0
MOST_ATTEMPTS = 5


class Stage(Protocol):
    """Does the batches of a state, each committed when it is yielded, and moves the import on after the last."""

    def __call__(self, work: Work) -> Iterator[None]: ...


STAGES: Mapping[str, Stage] = {
    "checking": checking.check,
    "applying": applying.apply,
    "finishing": applying.finish,
}


def process(import_id: UUID, seconds: float = TURN_SECONDS) -> None:
    """Work on an import for about so many seconds; does nothing where another worker has it or it waits for staff."""
    work = run_unit(lambda: _take(import_id))
    if work is None:
        return
    try:
        _turn(work, time.monotonic() + seconds)
    except Overtaken:
        return
    except Exception as error:
        log.exception("an import was interrupted")
        told = f"{type(error).__name__}: {error}"[:500]
        run_unit(lambda: _try_later(work, told))
        return
    ended = run_unit(lambda: _hand_on(work))
    if ended:
        run_unit(lambda: pruning.drop(import_id))


def _turn(work: Work, until: float) -> None:
    while (state := run_unit(lambda: _state(work))) in STAGES:
        for _ in STAGES[state](work):
            if time.monotonic() >= until:
                return
        if time.monotonic() >= until:
            return


_TAKE = """
UPDATE imports SET lease_token = :lease, lease_until = now() + make_interval(secs => :seconds), attempt = attempt + 1
WHERE id = :id AND state IN ('checking', 'applying', 'finishing') AND next_run_at <= now()
  AND (lease_until IS NULL OR lease_until < now())
RETURNING attempt
"""


def _take(import_id: UUID) -> Work | None:
    lease = new_id()
    attempt = db.scalar(_TAKE, id=import_id, lease=lease, seconds=settings().lease_seconds)
    if attempt is None:
        return None
    work = Work(import_id, lease)
    if attempt > MOST_ATTEMPTS:
        end(work, "failed", failure="needs_review")
        return None
    return work


def _state(work: Work) -> str:
    return str(own(work).state)


def _hand_on(work: Work) -> bool:
    """Give the import back, with a hint for whoever goes on; whether it has ended."""
    state: Any = db.row(
        "UPDATE imports SET lease_token = NULL, lease_until = NULL, attempt = 0 WHERE id = :id AND lease_token = :lease"
        " RETURNING state",
        id=work.import_id,
        lease=work.lease,
    )
    if state is not None and state.state in STAGES:
        outbox.write(tasks=[hint(work.import_id)])
    return state is not None and state.state == "done"


def _try_later(work: Work, told: str) -> None:
    db.run(
        """
        UPDATE imports SET lease_token = NULL, lease_until = NULL, last_error = :error,
               next_run_at = now() + make_interval(secs => :pause * least(60, 2 ^ attempt))
        WHERE id = :id AND lease_token = :lease
        """,
        id=work.import_id,
        lease=work.lease,
        error=told,
        pause=random.uniform(0.5, 1.0),
    )
