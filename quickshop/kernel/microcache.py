"""A cache for a moment, of what everybody sees alike: within this process, and one computes what many ask for.

It only saves work: nothing that decides about money or stock is read from it, and without it all answers are the same.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")

PATIENCE_SECONDS = 2.0


class _Entry(Generic[T]):
    __slots__ = ("done", "ready", "until", "value")

    def __init__(self, until: float) -> None:
        self.until = until
        self.ready = threading.Event()
        self.done = False
        self.value: T | None = None


class MicroCache:
    """Values by key for some seconds from the moment their computing began; at most `most` of them."""

    def __init__(self, most: int = 1000) -> None:
        self._most = most
        self._entries: dict[Hashable, _Entry[Any]] = {}

    def get(self, key: Hashable, seconds: float, make: Callable[[], T]) -> T:
        """The value of `key`, computed by `make` where none is young enough; 0 seconds computes always.

        Whoever asks while it is being computed waits for it. An error is the caller's own and is not kept.
        """
        if seconds <= 0:
            return make()
        now = time.monotonic()
        found: _Entry[T] | None = self._entries.get(key)
        if found is not None and found.until > now:
            if found.done or (found.ready.wait(PATIENCE_SECONDS) and found.done):
                return found.value  # type: ignore[return-value]
            return make()
        return self._compute(key, _Entry(now + seconds), make)

    def _compute(self, key: Hashable, entry: _Entry[T], make: Callable[[], T]) -> T:
        self._make_room()
        self._entries[key] = entry
        try:
            entry.value = value = make()
            entry.done = True
        finally:
            if not entry.done and self._entries.get(key) is entry:
                del self._entries[key]
            entry.ready.set()
        return value

    def _make_room(self) -> None:
        if len(self._entries) < self._most:
            return
        now = time.monotonic()
        self._entries = {k: e for k, e in list(self._entries.items()) if e.until > now}
        if len(self._entries) >= self._most:
            self._entries = {}

    def clear(self) -> None:
        """Forget everything."""
        self._entries = {}
