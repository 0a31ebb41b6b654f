"""The only place that commits. A unit either happens whole or not at all, and a lost race is tried again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

from quickshop.extensions import db
from quickshop.kernel.db import sqlstate

T = TypeVar("T")

# serialization_failure, deadlock_detected, lock_not_available: the same work may well succeed next time.
RETRYABLE = frozenset({"40001", "40P01", "55P03"})
ATTEMPTS = 4


@contextmanager
def unit_of_work() -> Iterator[None]:
    """Commit what happens inside; on any error roll all of it back. Units do not nest."""
    if db.session.info.get("unit"):
        raise RuntimeError("units of work do not nest")
    db.session.info["unit"] = True
    try:
        yield
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise
    finally:
        db.session.info.pop("unit", None)


def run_unit(work: Callable[[], T]) -> T:
    """Run `work` as one unit; start again (4 times at most, with jitter) when the database says the race was lost.

    `work` must have no effect outside the database.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with unit_of_work():
                return work()
        except DBAPIError as error:
            if sqlstate(error) not in RETRYABLE or attempt == ATTEMPTS:
                raise
            time.sleep(random.uniform(0.005, 0.03) * attempt)
    raise AssertionError("unreachable")


@contextmanager
def reading() -> Iterator[None]:
    """Give the connection back after reads, so that no transaction stays open (before a network call, say)."""
    try:
        yield
    finally:
        db.session.rollback()
