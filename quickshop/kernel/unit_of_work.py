"""The only place that commits. A unit either happens whole or not at all, and a lost race is tried again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

from quickshop.kernel import db

T = TypeVar("T")

# Selected by a statement, it lets that statement's unit not wait for the disk: a crash of PostgreSQL within about 0.6 s
# may undo all of the unit, never a part. For what is no promise yet (docs/decisions/0008).
LOOSELY = "set_config('synchronous_commit', 'off', true)"

# serialization_failure, deadlock_detected, lock_not_available: the same work may well succeed next time.
RETRYABLE = frozenset({"40001", "40P01", "55P03"})
ATTEMPTS = 4


def before_commit(work: Callable[[], None], order: str = "") -> None:
    """Have `work` run as the last thing of the unit in hand, after what comes earlier by `order`.

    For rows that every unit wants to lock: they are then held for the commit alone, and always in the same order.
    """
    db.at_the_end(order, work)


@contextmanager
def unit_of_work() -> Iterator[None]:
    """Commit what happens inside; on any error roll all of it back. Units do not nest."""
    db.open_unit()
    try:
        yield
        for work in db.due_at_the_end():
            work()
    except BaseException:
        db.close_unit(None)
        raise
    db.close_unit("COMMIT")


def run_unit(work: Callable[[], T]) -> T:
    """Run `work` as one unit; start again (4 times at most, with jitter) when the database says the race was lost.

    Also started again: a unit whose very first statement found the connection dead, for nothing can have happened.
    `work` must have no effect outside the database.
    """
    for attempt in range(1, ATTEMPTS + 1):
        unbegun = True
        try:
            with unit_of_work():
                try:
                    return work()
                finally:
                    unbegun = not db.unit_begun()
        except DBAPIError as error:
            again = db.sqlstate(error) in RETRYABLE or (unbegun and error.connection_invalidated)
            if not again or attempt == ATTEMPTS:
                raise
            time.sleep(random.uniform(0.005, 0.03) * attempt)
    raise AssertionError("unreachable")


@contextmanager
def rehearsal(*, keep: bool) -> Iterator[None]:
    """Keep what happens inside, or undo it and go on with the unit as if it had not been: the same work either way.

    For an answer whose time must not tell which of the two it was. Rehearsals do not nest.
    """
    db.command("SAVEPOINT rehearsal")
    yield
    db.command("RELEASE SAVEPOINT rehearsal" if keep else "ROLLBACK TO SAVEPOINT rehearsal")


@contextmanager
def reading() -> Iterator[None]:
    """Give the connection back after reads (before a network call, say)."""
    try:
        yield
    finally:
        db.release()
