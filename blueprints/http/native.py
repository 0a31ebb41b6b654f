"""CPU work beside the event loop: in native threads of low priority, so that it holds nobody else up."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from gevent.threadpool import ThreadPool

from quickshop.kernel.errors import Unavailable
from quickshop.kernel.priority import give_way

T = TypeVar("T")


class NativeThreads:
    """`threads` of them per process, for at most `places` pieces of work at once; who finds none is told `busy`."""

    def __init__(self, threads: Callable[[], int], places: int, busy: str) -> None:
        self._threads = threads
        self._places = threading.BoundedSemaphore(places)
        self._busy = busy
        self._pools: dict[int, ThreadPool] = {}

    def _pool(self) -> ThreadPool:
        """One pool per process, made at first use: never before a fork."""
        pid = os.getpid()
        if pid not in self._pools:
            self._pools[pid] = ThreadPool(self._threads())
        return self._pools[pid]

    def run(self, work: Callable[..., T], *args: Any) -> T:
        """What `work` returns, or raises. Raises Unavailable when every place is taken."""
        if not self._places.acquire(blocking=False):
            raise Unavailable(self._busy)
        try:
            result: T = self._pool().apply(_at_low_priority, (work, *args))
            return result
        finally:
            self._places.release()


def _at_low_priority(work: Callable[..., T], *args: Any) -> T:
    give_way()
    return work(*args)
