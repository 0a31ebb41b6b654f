"""Hints that mean "look at all that waits": many of them in a moment are worth one. Pure; the clock is handed in."""

from __future__ import annotations

from collections.abc import Iterable

from quickshop.kernel.outbox import TaskHint
from tasks.queues import TaskNames

ONE_SERVES_ALL = frozenset(
    {
        TaskNames.DRAIN_NOTIFICATIONS,
        TaskNames.DELIVER_NOTIFICATIONS,
        TaskNames.TELL_WISHLISTS,
        TaskNames.DRAIN_WEBHOOKS,
    }
)
SHORTEST_GAP = 0.1  # seconds between two hints of the same kind


class Coalescer:
    """Lets such a hint pass at most once in `gap` seconds; one held back is due when the gap is over."""

    def __init__(self, gap: float = SHORTEST_GAP) -> None:
        self._gap = gap
        self._sent_at: dict[TaskHint, float] = {}
        self._held: set[TaskHint] = set()

    def filter(self, hints: Iterable[TaskHint], now: float) -> list[TaskHint]:
        """The hints to send now, in order, with those held back earlier that are due."""
        passed: list[TaskHint] = []
        for hint in hints:
            if hint.name not in ONE_SERVES_ALL:
                passed.append(hint)
            else:
                self._held.add(hint)
        return passed + self.due(now)

    def due(self, now: float) -> list[TaskHint]:
        """Those held back whose gap is over."""
        ready = [hint for hint in self._held if now - self._sent_at.get(hint, float("-inf")) >= self._gap]
        for hint in ready:
            self._held.discard(hint)
            self._sent_at[hint] = now
        return ready
