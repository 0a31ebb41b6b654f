"""Sends password hashing to native threads where the process runs greenlets, so that it holds nobody else up.

All web processes together hash in about as many threads as there are cores, and at a lower priority than the rest of
the shop: whoever signs in waits for those who look around, not the other way round.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from gevent import monkey
from gevent.threadpool import ThreadPool

from quickshop.kernel.errors import Unavailable
from quickshop.security import passwords

T = TypeVar("T")
MOST_WAITING = 64
# Of the CPU that others want at the same moment a thread gets a tenth of a process's share, so that it never starves.
NICENESS = 10

_pools: dict[int, ThreadPool] = {}
_places = threading.BoundedSemaphore(MOST_WAITING)


def threads_per_process() -> int:
    """How many hash at once in this process, so that all web processes together use each core once."""
    return max(1, (os.cpu_count() or 1) // max(1, int(os.environ.get("WEB_WORKERS") or 2)))


def _pool() -> ThreadPool:
    """One pool per process, made at first use: never before a fork."""
    pid = os.getpid()
    if pid not in _pools:
        _pools[pid] = ThreadPool(threads_per_process())
    return _pools[pid]


def _at_low_priority(work: Callable[..., T], *args: Any) -> T:
    """Run `work` in a thread that gives way to others. On Linux each thread has a niceness of its own."""
    with contextlib.suppress(AttributeError, OSError):  # elsewhere: at the priority that the process has
        os.setpriority(os.PRIO_PROCESS, _thread.get_native_id(), NICENESS)
    return work(*args)


def in_native_thread(work: Callable[..., T], *args: Any) -> T:
    """Run CPU work beside the event loop, a core's worth at once. Raises Unavailable when 64 wait already."""
    if not _places.acquire(blocking=False):
        raise Unavailable("Too many people sign in at this moment; please try again.")
    try:
        return _pool().apply(_at_low_priority, (work, *args))
    finally:
        _places.release()


def install_hashing() -> None:
    """Use native threads under gevent; elsewhere (tests, commands) hash in place."""
    passwords.dummy_hash()  # made now, so that the first unknown account costs no more than the next
    if monkey.is_module_patched("socket"):
        passwords.use_runner(in_native_thread)
