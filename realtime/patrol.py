"""What a process with open sockets does by the clock: expiry, ended sessions, stalled clients, lost frames."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Flask
from redis import Redis
from redis.exceptions import RedisError

from quickshop.accounts import sessions
from quickshop.accounts.errors import SessionEnded
from quickshop.kernel.errors import Forbidden, ShopError
from quickshop.kernel.unit_of_work import reading
from quickshop.monitoring import live, presence
from quickshop.monitoring.presence import Presence
from realtime.bus import Bus
from realtime.connections import Connection, Connections
from realtime.frames import STALLED_SECONDS, Frames
from realtime.problems import SlowConsumer, TokenExpired
from realtime.rooms import ADMIN

log = logging.getLogger(__name__)

TURN_SECONDS = 0.5
SESSIONS_SECONDS = 10.0
RECHECK_SECONDS = 30.0
RECHECK_BLIND_SECONDS = 2.0  # while the bus is away, the logs are all there is
PRESENCE_SECONDS = 2.0


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
        """Close sockets whose session has ended, and those of staff who lost the permission."""
        by_session: dict[object, list[Connection]] = {}
        for connection in self._connections.all():
            session_id = connection.principal.caller.session_id
            if session_id is not None:
                by_session.setdefault(session_id, []).append(connection)
        with self._app.app_context(), reading():
            ended = live.ended_sessions([c[0].principal.caller.session_id for c in by_session.values()])  # type: ignore[misc]
            lost = [c for group in by_session.values() for c in group if c.namespace == ADMIN and not _still_staff(c)]
        for session_id in ended:
            for connection in by_session[session_id]:
                self._frames.close(connection, SessionEnded())
        for connection in lost:
            self._frames.close(connection, Forbidden())

    def close_stalled(self) -> None:
        """Close sockets that took nothing for half a minute while something waited for them."""
        for connection in self._connections.all():
            if connection.meter.stalled_for() > STALLED_SECONDS:
                self._frames.close(connection, SlowConsumer())


def _still_staff(connection: Connection) -> bool:
    caller = connection.principal.caller
    if caller.session_id is None:
        return False
    try:
        session = sessions.check(caller.session_id, fresh=True)
    except ShopError:
        return False
    return session is not None and session.caller.permissions >= caller.permissions


class PresenceNotes:
    """Tells the relay, through Redis, how many sockets are open here and whether anybody watches the live page."""

    def __init__(self, link: Redis, process: str, connections: Connections, sleep: Callable[[float], None]) -> None:
        self._link = link
        self._process = process
        self._connections = connections
        self._sleep = sleep

    def run(self) -> None:
        """Note for ever; without Redis there is nobody to tell."""
        while True:
            self.note()
            self._sleep(PRESENCE_SECONDS)

    def note(self) -> None:
        """Note it now."""
        try:
            seen = Presence(len(self._connections.all()), self._connections.watching())
            presence.note(self._link, self._process, seen)
        except RedisError:
            log.debug("presence could not be noted")
