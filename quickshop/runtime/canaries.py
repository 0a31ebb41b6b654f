"""Finds workers that live but consume nothing: a thread beside the supervisor that looks at the queues' canaries."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import psycopg2

from quickshop.runtime import databases
from quickshop.runtime.failures import CannotStart

STALE_AFTER = 45
_LOOK_EVERY = 10.0


class CanaryWatch(threading.Thread):
    """Looks every 10 s; `silent` then holds the workers none of whose queues was served for 45 s.

    A thread, because a database that hangs must not hang the supervisor. While the database cannot be asked
    nobody is suspected.
    """

    def __init__(self, url: str, queues: Mapping[str, tuple[str, ...]]) -> None:
        super().__init__(name="canaries", daemon=True)
        self.silent: frozenset[str] = frozenset()
        self._url = url
        self._queues = dict(queues)
        self._over = threading.Event()

    def run(self) -> None:
        """Look until told to end."""
        while not self._over.wait(_LOOK_EVERY):
            self.silent = self._look()

    def end(self) -> None:
        """Stop looking; a look under way may finish."""
        self._over.set()

    def _look(self) -> frozenset[str]:
        try:
            return frozenset(
                name
                for name, queues in self._queues.items()
                if databases.unserved(self._url, queues, seconds=STALE_AFTER)
            )
        except (psycopg2.Error, CannotStart):
            return frozenset()
