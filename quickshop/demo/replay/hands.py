"""Doing many small calls at once, and stopping soon when one fails or the user has had enough."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_parallel(work: Callable[[Item], Result], items: Iterable[Item], hands: int) -> Iterator[Result]:
    """The results of `work` in the order of the items; what has not begun is dropped when the reader leaves."""
    pool = ThreadPoolExecutor(hands)
    try:
        yield from pool.map(work, items)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
