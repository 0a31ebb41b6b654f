"""Admission: how many requests a process works on at once. Beyond it they wait 2 s at most and then hear 503.

A fifth of the places is kept for checkout. Probes are always let in.
"""

from __future__ import annotations

import threading

from flask import Flask, g, request

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


def install_admission(app: Flask) -> None:
    """Let each routed request in by the gate and out at its teardown."""
    with app.app_context():
        gate = Gate((settings().pool_size + OVERFLOW) * PER_CONNECTION)

    @app.before_request
    def enter() -> None:
        view = app.view_functions.get(request.endpoint or "")
        rate_class = getattr(view, "rate_class", "default")
        if view is not None and rate_class != "none":
            g.places = gate.enter(rate_class == "checkout")

    @app.teardown_request
    def leave(_error: BaseException | None) -> None:
        places = g.pop("places", None)
        if places:
            gate.leave(places)
