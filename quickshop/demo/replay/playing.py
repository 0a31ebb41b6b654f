"""Plays purchases, and what undoes them, in time order with several buyers at once; what one caller does follows each
other strictly.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from quickshop.demo.replay.buying import Buyer, NotBought
from quickshop.demo.replay.client import Refused
from quickshop.demo.replay.invoices import Purchase
from quickshop.demo.replay.state import Bought, Journal
from quickshop.demo.replay.taking_back import NotTakenBack, Returner
from quickshop.demo.replay.undoing import Undo

_LOOK_SECONDS = 0.5  # how often a waiting buyer looks whether to stop


@dataclass(frozen=True)
class Turn:
    """A purchase or an undo whose turn has come, and the caller's order that must have ended before it."""

    purchase: Purchase | Undo
    former: str | None


@dataclass
class Played:
    """What became of the purchases of this run."""

    placed: list[Bought] = field(default_factory=list)
    found: int = 0  # had been placed before
    undone: int = 0
    failed: list[str] = field(default_factory=list)
    not_ended: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Schedule:
    """Hands out purchases: the earliest whose caller is not buying, not before its time. Thread-safe."""

    def __init__(
        self, purchases: Iterable[Purchase | Undo], speed: float | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`speed` is how many times faster than the file's own time; None is as fast as can be."""
        self._clock = clock
        self._changed = threading.Condition()
        self._waiting: dict[str, deque[tuple[int, Purchase | Undo]]] = {}
        ordered = sorted(purchases, key=lambda p: p.at)
        for place, purchase in enumerate(ordered):
            self._waiting.setdefault(purchase.caller, deque()).append((place, purchase))
        # Of each caller only the first stands in the queue; the next one follows when that is done.
        self._ready = [(queue[0][0], caller) for caller, queue in self._waiting.items()]
        heapq.heapify(self._ready)
        self._former: dict[str, str | None] = {}
        self._left = len(ordered)
        self._stopped = False
        self._speed = speed
        self._from = ordered[0].at if ordered else None
        self._began = clock()

    def stop(self) -> None:
        """Hand out no more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def take(self) -> Turn | None:
        """Wait for the next turn; None when all are handed out or it was stopped."""
        with self._changed:
            while not self._stopped and self._left:
                wait = self._until_next()
                if wait <= 0:
                    _, caller = heapq.heappop(self._ready)
                    _, purchase = self._waiting[caller].popleft()
                    self._left -= 1
                    return Turn(purchase, self._former.get(caller))
                self._changed.wait(min(wait, _LOOK_SECONDS))
            return None

    def _until_next(self) -> float:
        if not self._ready:
            return _LOOK_SECONDS
        if self._speed is None or self._from is None:
            return 0.0
        purchase = self._waiting[self._ready[0][1]][0][1]
        due = self._began + (purchase.at - self._from).total_seconds() / self._speed
        return due - self._clock()

    def done(self, turn: Turn, number: str | None) -> None:
        """The purchase was made as this order (None: nobody can wait for it); its caller may go on."""
        with self._changed:
            caller = turn.purchase.caller
            self._former[caller] = number
            if self._waiting[caller]:
                heapq.heappush(self._ready, (self._waiting[caller][0][0], caller))
            self._changed.notify_all()


class Play:
    """One run over a schedule."""

    def __init__(
        self,
        schedule: Schedule,
        buyer: Buyer,
        journal: Journal,
        tick: Callable[[], None],
        returner: Returner | None = None,
    ) -> None:
        self._schedule = schedule
        self._buyer = buyer
        self._returner = returner
        self._journal = journal
        self._tick = tick
        self._lock = threading.Lock()
        self._trouble: BaseException | None = None
        self.result = Played()

    def run(self, buyers: int) -> Played:
        """Play all of it with so many buyers. Raises what stopped it; what was begun is brought to its end first."""
        began = time.monotonic()
        threads = [threading.Thread(target=self._one_buyer, name=f"buyer-{i}") for i in range(buyers)]
        for thread in threads:
            thread.start()
        try:
            _join(threads)
        except KeyboardInterrupt:
            self._schedule.stop()
            _join(threads)
            raise
        if self._trouble is not None:
            raise self._trouble
        self.result.seconds = time.monotonic() - began
        return self.result

    def _one_buyer(self) -> None:
        try:
            while turn := self._schedule.take():
                self._play(turn)
        except BaseException as trouble:
            with self._lock:
                self._trouble = self._trouble or trouble
            self._schedule.stop()

    def _play(self, turn: Turn) -> None:
        purchase, number = turn.purchase, None
        # What a customer spent counts for the next order's class only once the former has ended.
        if turn.former and not self._buyer.await_end(purchase, turn.former):
            with self._lock:
                self.result.not_ended.append(turn.former)
        try:
            if isinstance(purchase, Undo):
                self._undo(purchase)
            else:
                number = self._buy(purchase)
        except (NotBought, NotTakenBack, Refused) as trouble:
            with self._lock:
                self.result.failed.append(f"{purchase.reference}: {trouble}")
        self._schedule.done(turn, number)
        self._tick()

    def _buy(self, purchase: Purchase) -> str | None:
        """Buy; the number of a member's order, for which the next one waits."""
        bought = self._buyer.buy(purchase)
        self._journal.note_bought(bought)
        with self._lock:
            if bought.number:
                self.result.placed.append(bought)
            else:
                self.result.found += 1
        return bought.number if purchase.customer else None

    def _undo(self, undo: Undo) -> None:
        if self._returner is None:
            raise NotTakenBack("nobody takes things back here")
        bought = self._journal.bought.get(undo.purchase.reference)
        self._returner.undo(undo, bought.number if bought else None)
        self._journal.note_undone(undo.reference)
        with self._lock:
            self.result.undone += 1


def _join(threads: Sequence[threading.Thread]) -> None:
    for thread in threads:
        while thread.is_alive():
            thread.join(_LOOK_SECONDS)
