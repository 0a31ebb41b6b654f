"""What the leading relay does by the clock, in a thread of its own: sweeping, promoting, periodic jobs, ticks, beats.

A chore that fails is logged and comes again at its next turn; none of them can lose anything.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from flask import Flask
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import InterfaceError, OperationalError, TimeoutError

from quickshop.catalog import refreshing
from quickshop.extensions import settings
from quickshop.imports import queries as imports
from quickshop.invoices import printing
from quickshop.kernel.outbox import TaskHint
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.monitoring import presence, service, sweeping
from quickshop.webhooks import queries as webhooks
from tasks.feed import Feed
from tasks.messages import age
from tasks.queues import ORDER_QUEUES, QueueNames, TaskNames
from tasks.schedule import Timed, hints_of
from tasks.shelf import Shelf
from tasks.ticks import Ticks

log = logging.getLogger("quickshop.relay")

TURN_SECONDS = 0.1
# Somebody is away for a moment; everything else is a fault of ours and logged with its trace.
AWAY = (RedisError, InterfaceError, OperationalError, TimeoutError)


class Send(Protocol):
    """How frames and hints go out (`tasks.relay.Outlet.send`)."""

    def __call__(self, frames: Any = (), hints: Any = (), timed: Any = ()) -> None: ...


@dataclass
class Chore:
    """Something to do every so many seconds."""

    name: str
    every: float
    work: Callable[[], None]
    next_at: float = field(default=0.0)


def head_ages(link: Redis) -> dict[str, float]:
    """Seconds since the oldest message of each order queue was sent; empty queues are missing. Raises RedisError."""
    pipe = link.pipeline(transaction=False)
    for name in ORDER_QUEUES:
        pipe.lindex(name, -1)
    return {str(name): age(head) for name, head in zip(ORDER_QUEUES, pipe.execute(), strict=True) if head}


class Chores(threading.Thread):
    """Runs the chores while this process leads."""

    def __init__(
        self,
        app: Flask,
        send: Send,
        link: Redis,
        feed: Feed,
        working: Callable[[], bool],
        stop: threading.Event,
    ) -> None:
        super().__init__(name="chores", daemon=True)
        self._app = app
        self._send = send
        self._link = link
        self._working = working
        self._stop_asked = stop
        self._ticks = Ticks(link, feed)
        self._shelf = Shelf()
        self._chores = [
            Chore("sweep", 0.5, self.sweep),
            Chore("promote", 1.0, self.promote),
            Chore("jobs", 1.0, self.start_jobs),
            Chore("notifications", 5.0, self.wake_notifications),
            Chore("catalog", 1.0, self.wake_catalog),
            Chore("wishlists", 5.0, self.wake_wishlists),
            Chore("imports", 5.0, self.wake_imports),
            Chore("webhooks", 2.0, self.wake_webhooks),
            Chore("invoices", 2.0, self.wake_invoices),
            Chore("beat", 2.0, self.beat),
            Chore("tick", 1.0, self.tick),
            Chore("products", 0.5, self.tell_products),
        ]

    def run(self) -> None:
        """Look every tenth of a second which chore's time has come."""
        while not self._stop_asked.wait(TURN_SECONDS):
            if self._working():
                with self._app.app_context():
                    self.turn(time.monotonic())

    def turn(self, now: float) -> None:
        """Do what is due at `now` (monotonic seconds)."""
        for chore in self._chores:
            if chore.next_at <= now and self._working():
                chore.next_at = now + chore.every
                try:
                    chore.work()
                except AWAY as error:
                    log.warning("%s put off: %s", chore.name, type(error).__name__)
                except Exception:
                    log.exception("%s failed", chore.name)

    def sweep(self) -> None:
        """Hint orders that are due and whose hint was lost, whose worker died, or whose retry has come."""
        ages = head_ages(self._link)
        self._hint_orders(run_unit(lambda: [] if sweeping.outbox_is_behind() else sweeping.take_due_orders(ages)))

    def promote(self) -> None:
        """Lift orders that wait too long by a class."""
        seconds = settings().promote_seconds
        self._hint_orders(run_unit(lambda: sweeping.promote(seconds)))

    def _hint_orders(self, due: list[sweeping.DueOrder]) -> None:
        self._send(hints=[TaskHint(TaskNames.PROCESS_ORDER, d.queue, (str(d.order_id),)) for d in due])

    def start_jobs(self) -> None:
        """Send the periodic jobs that are due."""
        self._send(timed=hints_of(run_unit(sweeping.take_due_jobs)))

    def wake_notifications(self) -> None:
        """Hint the notifications that nobody took."""
        with reading():
            waits = sweeping.notifications_wait()
        if waits:
            self._send(hints=[TaskHint(TaskNames.DRAIN_NOTIFICATIONS, QueueNames.NOTIFY)])

    def wake_catalog(self) -> None:
        """Hint the catalogue's refreshing while a product's time has come; what is not needed any more runs out."""
        with reading():
            due = refreshing.due()
        if due:
            self._send(timed=[Timed(TaskHint(TaskNames.REFRESH_CATALOG, QueueNames.SYSTEM), 5.0)])

    def wake_wishlists(self) -> None:
        """Hint the facts that wait for those who keep wishlists and alerts."""
        with reading():
            waits = sweeping.facts_wait("wishlists")
        if waits:
            self._send(hints=[TaskHint(TaskNames.TELL_WISHLISTS, QueueNames.SYSTEM)])

    def wake_imports(self) -> None:
        """Hint imports that nobody works on, though there is work: a worker died, a hint was lost, a retry has come."""
        with reading():
            due = imports.due()
        self._send(timed=[Timed(TaskHint(TaskNames.PROCESS_IMPORT, QueueNames.SYSTEM, (str(i),)), 5.0) for i in due])

    def wake_webhooks(self) -> None:
        """Hint what other systems have not been told yet: a retry has come, a pause is over, or a hint was lost."""
        with reading():
            due = webhooks.due()
        if due:
            self._send(timed=[Timed(TaskHint(TaskNames.DRAIN_WEBHOOKS, QueueNames.SYSTEM), 5.0)])

    def wake_invoices(self) -> None:
        """Hint the orders that lack an invoice or a credit note, and files that nobody has made."""
        with reading():
            name = TaskNames.ISSUE_INVOICES if sweeping.facts_wait("invoices") else None
            name = name or (TaskNames.PRINT_INVOICES if printing.due() else None)
        if name:
            self._send(timed=[Timed(TaskHint(name, QueueNames.SYSTEM), 5.0)])

    def beat(self) -> None:
        """Give a sign of life."""
        run_unit(service.record_relay_beat)

    def tick(self) -> None:
        """Tell the live page, if anybody watches it."""
        seen = presence.look(self._link)
        if seen.watchers:
            with reading():
                frames = self._ticks.frames(seen)
            self._send(frames=frames)

    def tell_products(self) -> None:
        """Tell the open pages of products what has changed of them."""
        seen = presence.look(self._link)
        if not seen.products:
            return
        with reading():
            frames = self._shelf.frames(seen.products)
        try:
            if frames:
                self._send(frames=frames)
        except RedisError:
            self._shelf.forget()
            raise
