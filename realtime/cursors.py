"""One socket, and where it stands in each topic. A cursor decides what may be sent next; it reads and sends nothing.

For a topic with a log, events leave in order and once: a frame that is not the next one means that the log must be
read first, and while it is read frames only say how far to read.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from realtime.auth import Principal
from realtime.rooms import Room
from realtime.transport import Meter

MESSAGES_PER_SECOND = 20


class Budget:
    """A token bucket: so many messages a second, and as many at once."""

    def __init__(self, per_second: float = MESSAGES_PER_SECOND) -> None:
        self._rate = per_second
        self._left = per_second
        self._at = time.monotonic()

    def spend(self) -> bool:
        """Whether one more message is allowed."""
        now = time.monotonic()
        self._left = min(self._rate, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


@dataclass(eq=False)
class Connection:
    """One namespace of one socket."""

    sid: str
    namespace: str
    principal: Principal
    meter: Meter
    budget: Budget = field(default_factory=Budget)
    cursors: dict[str, Cursor] = field(default_factory=dict)  # by the topic as the client names it


class Cursor:
    """A socket's place in a topic. `last` is the seq it was sent last; a new cursor is reading."""

    def __init__(self, connection: Connection, room: Room, last: int = 0) -> None:
        self.connection = connection
        self.room = room
        self.last = last
        self.closed = False
        self.told: dict[Any, Any] = {}  # of a topic with a state: what this socket was told last, by what it is of
        self._reading = True
        self._wanted = 0
        self._lock = threading.RLock()

    @property
    def wanted(self) -> int:
        """The furthest seq that is known to be in the log."""
        return self._wanted

    def close(self) -> None:
        """Send nothing more. Takes no lock: it may be called from inside a send."""
        self.closed = True

    def offer(self, seq: int, send: Callable[[], bool]) -> bool:
        """A frame came. Sends it where it is the next one and `send` takes it; says whether the log must be read now.

        Whoever is told so must read: until then frames are not sent.
        """
        with self._lock:
            if self.closed or seq <= self.last:
                return False
            self._wanted = max(self._wanted, seq)
            if self._reading:
                return False
            if seq == self.last + 1 and send():
                self.last = seq
                return False
            self._reading = True
            return True

    def behind(self, head: int) -> bool:
        """The log is known to reach to `head`; says whether it must be read now."""
        with self._lock:
            if self.closed or head <= self.last:
                return False
            self._wanted = max(self._wanted, head)
            if self._reading:
                return False
            self._reading = True
            return True

    def advance(self, seq: int, send: Callable[[], bool]) -> bool:
        """Send an entry that was read from the log; says whether it was sent (or had been)."""
        with self._lock:
            if self.closed:
                return False
            if seq > self.last:
                if not send():
                    return False
                self.last = seq
            return True

    def settle(self, goal: int) -> bool:
        """The log was read to its end with `wanted` at `goal` before. Says whether reading is over."""
        with self._lock:
            if self._wanted > self.last and self._wanted != goal:
                return False  # frames came meanwhile, perhaps of entries younger than what was read
            self._reading = False
            return True
