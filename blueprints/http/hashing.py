"""Sends password hashing to native threads where the process runs greenlets, so that it holds nobody else up.

All web processes together hash in about as many threads as there are cores, and at a lower priority than the rest of
the shop: whoever signs in waits for those who look around, not the other way round.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

from gevent import monkey

from blueprints.http.native import NativeThreads
from quickshop.security import passwords

T = TypeVar("T")
MOST_WAITING = 64


def threads_per_process() -> int:
    """How many hash at once in this process, so that all web processes together use each core once."""
    return max(1, (os.cpu_count() or 1) // max(1, int(os.environ.get("WEB_WORKERS") or 2)))


_HASHERS = NativeThreads(threads_per_process, MOST_WAITING, "Too many people sign in at this moment; please try again.")


def in_native_thread(work: Callable[..., T], *args: Any) -> T:
    """Run CPU work beside the event loop, a core's worth at once. Raises Unavailable when 64 wait already."""
    return _HASHERS.run(work, *args)


def install_hashing() -> None:
    """Use native threads under gevent; elsewhere (tests, commands) hash in place."""
    passwords.dummy_hash()  # made now, so that the first unknown account costs no more than the next
    if monkey.is_module_patched("socket"):
        passwords.use_runner(in_native_thread)
