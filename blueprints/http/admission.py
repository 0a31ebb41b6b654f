"""Admission: how many requests a process works on at once. Beyond it they wait 2 s at most and then hear 503.

A fifth of the places is kept for checkout.
"""

from __future__ import annotations

import threading

from quickshop.extensions import settings
from quickshop.kernel.errors import Unavailable

WAIT_SECONDS = 2.0
PER_CONNECTION = 3
OVERFLOW = 5


class Busy(Unavailable):
    """Every place is taken."""

    code, title = "busy", "The shop is busy"


class Gate:
    """Places for all requests, and fewer of them for those that are not checkout."""

    def __init__(self, places: int) -> None:
        self._all = threading.BoundedSemaphore(places)
        self._general = threading.BoundedSemaphore(max(1, places * 4 // 5))

    def enter(self, checkout: bool) -> list[threading.BoundedSemaphore]:
        """Take a place; returns what to give back. Raises Busy after 2 s."""
        held: list[threading.BoundedSemaphore] = []
        for semaphore in (self._all,) if checkout else (self._general, self._all):
            if not (semaphore.acquire(blocking=False) or semaphore.acquire(timeout=WAIT_SECONDS)):
                self.leave(held)
                raise Busy(retry_after=2)
            held.append(semaphore)
        return held

    @staticmethod
    def leave(held: list[threading.BoundedSemaphore]) -> None:
        """Give the place back."""
        for semaphore in held:
            semaphore.release()
        held.clear()


def make_gate() -> Gate:
    """The gate of the running application: three requests for each database connection it may open."""
    return Gate((settings().pool_size + OVERFLOW) * PER_CONNECTION)
