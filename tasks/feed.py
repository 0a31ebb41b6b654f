"""Which orders something happened to since the last tick; the pump notes them, the ticks take them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any

MOST = 50
_ORDER = "order:"


class Feed:
    """Order numbers, latest last, `MOST` at most. Two threads use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: dict[str, None] = {}

    def note(self, frames: Iterable[Mapping[str, Any]]) -> None:
        """Note the orders that these frames tell of."""
        with self._lock:
            for frame in frames:
                topic = frame["topic"]
                if topic.startswith(_ORDER):
                    number = topic[len(_ORDER) :]
                    self._numbers.pop(number, None)
                    self._numbers[number] = None
            while len(self._numbers) > MOST:
                self._numbers.pop(next(iter(self._numbers)))

    def take(self) -> list[str]:
        """The numbers noted since the last call."""
        with self._lock:
            taken, self._numbers = list(self._numbers), {}
        return taken
