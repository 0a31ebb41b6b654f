"""A circuit breaker: stops calling a provider that mostly fails, and lets one call through to see whether it is back.

Pure: the clock is handed in and nothing is called from here.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class BreakerState(StrEnum):
    """Closed lets calls through, open holds them back, half-open has one probe under way."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """When to open and when to try again; times in seconds."""

    window_seconds: float = 30.0
    fewest_calls: int = 20
    error_share: float = 0.5
    open_seconds: float = 10.0


DEFAULT_RULES = BreakerRules()


class CircuitBreaker:
    """The breaker of one provider in one process. `clock` is monotonic seconds.

    Ask `allow` before a call and tell `record` how it went. Each call's result is counted at the moment
    it is recorded; results of calls that began before the breaker opened are ignored while it is open.
    """

    def __init__(self, clock: Callable[[], float], rules: BreakerRules = DEFAULT_RULES) -> None:
        self._clock = clock
        self._rules = rules
        self._lock = threading.Lock()
        self._state = BreakerState.CLOSED
        self._calls: deque[tuple[float, bool]] = deque()
        self._errors = 0
        self._retry_at = 0.0

    @property
    def state(self) -> BreakerState:
        """The present state; open until somebody asks `allow` after the pause."""
        return self._state

    def allow(self) -> bool:
        """Whether a call may be made now. After the pause exactly one caller gets True: the probe.

        A probe that never reports does not block for good: after another pause the next caller probes.
        """
        with self._lock:
            if self._state is BreakerState.CLOSED:
                return True
            now = self._clock()
            if now < self._retry_at:
                return False
            self._state = BreakerState.HALF_OPEN
            self._retry_at = now + self._rules.open_seconds
            return True

    def record(self, succeeded: bool) -> None:
        """Count one finished call."""
        with self._lock:
            now = self._clock()
            if self._state is BreakerState.HALF_OPEN:
                self._finish_probe(now, succeeded)
            elif self._state is BreakerState.CLOSED:
                self._count(now, succeeded)

    def _finish_probe(self, now: float, succeeded: bool) -> None:
        self._forget_calls()
        if succeeded:
            self._state = BreakerState.CLOSED
        else:
            self._open(now)

    def _count(self, now: float, succeeded: bool) -> None:
        self._calls.append((now, succeeded))
        self._errors += not succeeded
        while self._calls and self._calls[0][0] <= now - self._rules.window_seconds:
            self._errors -= not self._calls.popleft()[1]
        total = len(self._calls)
        if total >= self._rules.fewest_calls and self._errors >= self._rules.error_share * total:
            self._forget_calls()
            self._open(now)

    def _open(self, now: float) -> None:
        self._state = BreakerState.OPEN
        self._retry_at = now + self._rules.open_seconds

    def _forget_calls(self) -> None:
        self._calls.clear()
        self._errors = 0
