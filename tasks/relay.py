"""The relay, `python -m tasks.relay`: the only sender of tasks and the only source of live frames.

It sends what stands in the outbox, in log order and at least once; when Redis is away it keeps what it has and
tries again. Two may run: one leads (see `leadership`), the other waits. Sweeping and ticking is in `chores`.
"""

from __future__ import annotations

import logging
import os
import random
import signal
import sys
import threading
from collections.abc import Iterable, Sequence
from typing import Any

from flask import Flask
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Engine, event

from quickshop.config import SettingsError, load_settings
from quickshop.extensions import db
from quickshop.factory import create_app
from quickshop.kernel import logs
from quickshop.kernel.outbox import TaskHint
from quickshop.kernel.unit_of_work import run_unit
from quickshop.monitoring import sweeping
from quickshop.monitoring.links import open_link
from realtime import publisher
from tasks.chores import AWAY, Chores
from tasks.feed import Feed
from tasks.leadership import Leadership
from tasks.messages import encode
from tasks.pump import BATCH, Pump
from tasks.queues import QueueNames, TaskNames
from tasks.schedule import Timed

log = logging.getLogger("quickshop.relay")

IDLE_SECONDS = 0.01
# After a batch: where there was one there is soon another, and a bigger batch costs no more than a small one.
GATHERING_SECONDS = 0.02
STANDBY_SECONDS = 0.5
LONGEST_PAUSE = 1.0  # with a Redis that hangs for two seconds, still short enough to keep the lock

_QUEUES = frozenset(QueueNames)
_TASKS = frozenset(TaskNames)


class Outlet:
    """What goes out to Redis: frames as one bus message and hints as task messages, in one round trip."""

    def __init__(self, link: Redis, channel: str) -> None:
        self._link = link
        self._channel = channel

    def send(
        self, frames: Sequence[dict[str, Any]] = (), hints: Iterable[TaskHint] = (), timed: Iterable[Timed] = ()
    ) -> None:
        """Send frames, then hints. Raises RedisError; then some of it may have gone out, and sending again is safe."""
        pipe = self._link.pipeline(transaction=False)
        publisher.publish(pipe, self._channel, frames)
        for hint in hints:
            if hint.queue in _QUEUES and hint.name in _TASKS:
                pipe.lpush(hint.queue, encode(hint))
            else:
                log.error("a hint names no task or queue of ours: %s on %s", hint.name, hint.queue)
        for due in timed:
            pipe.lpush(due.hint.queue, encode(due.hint, expires_in=due.expires_in))
        if len(pipe):
            pipe.execute()


class Relay:
    """The loop of the process."""

    def __init__(self, app: Flask, leadership: Leadership, pump: Pump, stop: threading.Event) -> None:
        self._app = app
        self._leadership = leadership
        self._pump = pump
        self._stop = stop
        self._pause = 0.0
        self._waited = False

    def run(self) -> None:
        """Lead, or wait to lead, until told to stop."""
        leading = False
        while not self._stop.is_set():
            try:
                if not leading:
                    leading = self._begin()
                    if not leading:
                        self._stop.wait(STANDBY_SECONDS)
                        continue
                self._work()
            except Exception as error:
                leading = self._recover(leading, error)
        self._leadership.resign()

    def _begin(self) -> bool:
        if not self._leadership.take():
            if not self._waited:
                log.info("another relay leads, this one waits")
            self._waited = True
            return False
        self._waited = False
        log.info("this relay leads now")
        with self._app.app_context():
            run_unit(sweeping.free_claims)
        return True

    def _recover(self, leading: bool, error: Exception) -> bool:
        """After trouble, mostly with the database: whether this relay still leads. The loop never ends by an error."""
        if isinstance(error, AWAY):
            log.warning("the database is away: %s", type(error).__name__)
        else:
            log.error("the relay stumbled", exc_info=error)
        self._rest()
        if leading and self._leadership.connected:
            return True
        self._pump.forget()
        return False

    def _work(self) -> None:
        """One look at the outbox, and a batch of what it holds."""
        moved = 0
        waits = self._leadership.outbox_waits()
        try:
            if waits or self._pump.busy:
                with self._app.app_context():
                    moved = self._pump.move_batch()
            self._pump.send_held()
            self._pause = 0.0
        except RedisError as error:
            if self._pause == 0.0:
                log.warning("Redis is away: %s; the outbox waits", type(error).__name__)
            self._rest()
            return
        if moved < BATCH:
            self._stop.wait(GATHERING_SECONDS if moved else IDLE_SECONDS)

    def _rest(self) -> None:
        """Wait a little longer each time, with jitter, but short enough to keep the leadership."""
        self._pause = min(LONGEST_PAUSE, max(0.1, self._pause * 2))
        self._stop.wait(self._pause * random.uniform(0.5, 1.0))


def _relaxed(engine: Engine) -> None:
    # Claims and marks need not survive a crash of Postgres: what was not marked is sent again.
    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit = off")
        connection.commit()


def compose(app: Flask, redis_url: str, stop: threading.Event) -> tuple[Relay, Chores]:
    """Put a relay together."""
    with app.app_context():
        engine = db.engine
    _relaxed(engine)
    link = open_link(redis_url)
    outlet = Outlet(link, publisher.bus_channel(redis_url))
    feed = Feed()
    leadership = Leadership(engine)
    relay = Relay(app, leadership, Pump(outlet.send, feed), stop)
    return relay, Chores(app, outlet.send, link, feed, lambda: leadership.holds, stop)


def main() -> int:
    """Run until SIGTERM or SIGINT."""
    logs.install(logging.INFO)
    try:
        settings = load_settings(os.environ)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    relay, chores = compose(create_app(role="relay", settings=settings), settings.redis_url, stop)
    chores.start()
    relay.run()
    chores.join(timeout=5)
    return 0


if __name__ == "__main__":
    sys.exit(main())
