"""Sends password hashing to native threads where the process runs greenlets, so that it holds nobody else up."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from gevent import monkey
from gevent.threadpool import ThreadPool

from quickshop.kernel.errors import Unavailable
from quickshop.security import passwords

T = TypeVar("T")
THREADS = 4
MOST_WAITING = 64

_pools: dict[int, ThreadPool] = {}
_places = threading.BoundedSemaphore(MOST_WAITING)


def _pool() -> ThreadPool:
    """One pool per process, made at first use: never before a fork."""
    pid = os.getpid()
    if pid not in _pools:
        _pools[pid] = ThreadPool(THREADS)
    return _pools[pid]


def in_native_thread(work: Callable[..., T], *args: Any) -> T:
    """Run CPU work beside the event loop, 4 at once per process. Raises Unavailable when 64 wait already."""
    if not _places.acquire(blocking=False):
        raise Unavailable("Too many people sign in at this moment; please try again.")
    try:
        return _pool().apply(work, args)
    finally:
        _places.release()


def install_hashing() -> None:
    """Use native threads under gevent; elsewhere (tests, commands) hash in place."""
    passwords.dummy_hash()  # made now, so that the first unknown account costs no more than the next
    if monkey.is_module_patched("socket"):
        passwords.use_runner(in_native_thread)
