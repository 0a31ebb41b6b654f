"""What a process with open sockets does by the clock: expiry, ended sessions, stalled clients, lost frames."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from flask import Flask
from redis import Redis
from redis.exceptions import RedisError

from quickshop.accounts import sessions
from quickshop.accounts.callers import Caller
from quickshop.accounts.errors import SessionEnded
from quickshop.kernel.errors import Forbidden
from quickshop.kernel.unit_of_work import reading
from quickshop.monitoring import presence
from quickshop.monitoring.presence import Presence
from realtime.bus import Bus
from realtime.connections import Connections
from realtime.frames import STALLED_SECONDS, Frames
from realtime.problems import SlowConsumer, TokenExpired

log = logging.getLogger(__name__)

TURN_SECONDS = 0.5
SESSIONS_SECONDS = 10.0
RECHECK_SECONDS = 30.0
RECHECK_BLIND_SECONDS = 2.0  # while the bus is away, the logs are all there is
PRESENCE_SECONDS = 2.0
NEWS_SECONDS = 0.25  # sooner where a product is followed that was not, for the relay must know of it


@dataclass
class Round:
    """Something to look after every so many seconds."""

    every: Callable[[], float]
    look: Callable[[], None]
    looked_at: float = field(default=0.0)


class Patrol:
    """Looks after the sockets of one process."""

    def __init__(
        self, app: Flask, connections: Connections, frames: Frames, bus: Bus, sleep: Callable[[float], None]
    ) -> None:
        self._app = app
        self._connections = connections
        self._frames = frames
        self._sleep = sleep
        self._rounds = [
            Round(lambda: TURN_SECONDS, self.close_expired),
            Round(lambda: SESSIONS_SECONDS, self.close_ended),
            Round(lambda: 5.0, self.close_stalled),
            Round(lambda: RECHECK_SECONDS if bus.connected else RECHECK_BLIND_SECONDS, frames.recheck),
        ]

    def run(self) -> None:
        """Look for ever."""
        while True:
            self._sleep(TURN_SECONDS)
            now = time.monotonic()
            for patrol_round in self._rounds:
                if now - patrol_round.looked_at >= patrol_round.every():
                    patrol_round.looked_at = now
                    try:
                        patrol_round.look()
                    except Exception as error:
                        log.warning("%s put off: %s", patrol_round.look.__name__, type(error).__name__)

    def close_expired(self) -> None:
        """Close sockets whose access token has run out and was not renewed."""
        for connection in self._connections.all():
            if connection.principal.expired():
                self._frames.close(connection, TokenExpired())

    def close_ended(self) -> None:
        """Close sockets whose session has ended or idled out, and those of staff who lost a right they came with."""
        connections = [c for c in self._connections.all() if c.principal.caller.session_id is not None]
        wanted = {c.principal.caller.session_id for c in connections}
        with self._app.app_context(), reading():
            living = sessions.living([session_id for session_id in wanted if session_id is not None])
        for connection in connections:
            before = connection.principal.caller
            session = living.get(before.session_id)  # type: ignore[arg-type]
            if session is None:
                self._frames.close(connection, SessionEnded())
            elif not _as_mighty(session.caller, before):
                self._frames.close(connection, Forbidden())

    def close_stalled(self) -> None:
        """Close sockets that took nothing for half a minute while something waited for them."""
        for connection in self._connections.all():
            if connection.meter.stalled_for() > STALLED_SECONDS:
                self._frames.close(connection, SlowConsumer())


def _as_mighty(now: Caller, before: Caller) -> bool:
    """Whether somebody may still do what they could when they came."""
    if not (before.staff and before.second_factor):
        return True
    return now.second_factor and now.permissions >= before.permissions


class PresenceNotes:
    """Tells the relay, through Redis, how many sockets are open here and whether anybody watches the live page."""

    def __init__(self, link: Redis, process: str, connections: Connections, sleep: Callable[[float], None]) -> None:
        self._link = link
        self._process = process
        self._connections = connections
        self._sleep = sleep
        self._noted: frozenset[UUID] = frozenset()
        self._noted_at = 0.0

    def run(self) -> None:
        """Note for ever; without Redis there is nobody to tell."""
        while True:
            products = self._connections.followed("product")
            if products - self._noted or time.monotonic() - self._noted_at >= PRESENCE_SECONDS:
                self.note()
            self._sleep(NEWS_SECONDS)

    def note(self) -> None:
        """Note it now."""
        products = self._connections.followed("product")
        try:
            presence.note(
                self._link,
                self._process,
                Presence(len(self._connections.all()), self._connections.watching(), products),
            )
        except RedisError:
            log.debug("presence could not be noted")
        self._noted, self._noted_at = products, time.monotonic()
