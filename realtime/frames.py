"""From the bus to the sockets of this process. A frame is a hint: what is not the next event is read from the log."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask import Flask
from socketio import Server

from quickshop.kernel.clock import now, rfc3339
from quickshop.kernel.errors import ShopError
from quickshop.kernel.unit_of_work import reading
from realtime import publisher
from realtime.connections import Connections
from realtime.cursors import Connection, Cursor
from realtime.problems import SlowConsumer, problem
from realtime.rooms import LOGS, STATES, WHAT_OF

log = logging.getLogger(__name__)

PAGE = 500
# Events that may wait in this process for one client; beyond it the log is read later instead of queueing more.
MOST_WAITING = 200
STALLED_SECONDS = 30.0
_READERS = 4  # log reads at once, so that resuming clients leave database connections to the shop
_PAUSE = 0.02


class Frames:
    """Hands frames and log entries to sockets, each event once and in order."""

    def __init__(self, app: Flask, server: Server, connections: Connections) -> None:
        self._app = app
        self._server = server
        self._connections = connections
        self._readers = threading.BoundedSemaphore(_READERS)

    def take(self, frames: Iterable[Mapping[str, Any]]) -> None:
        """Frames came from the bus."""
        for frame in frames:
            followers = self._connections.followers(frame["topic"])
            if not followers:
                continue
            if frame["seq"] is None:
                self._broadcast(followers, frame)
                continue
            for cursor in followers:
                if cursor.offer(frame["seq"], lambda c=cursor, f=frame: self._send(c, f)):  # type: ignore[misc]
                    self.read_on(cursor)

    def _broadcast(self, followers: Sequence[Cursor], frame: Mapping[str, Any]) -> None:
        """Send what has no log to all who follow it; who does not keep up is closed, for there is no later."""
        groups: dict[tuple[str, str], list[str]] = {}
        for cursor in followers:
            connection = cursor.connection
            if cursor.room.state is not None and not _is_news(cursor, frame):
                continue
            if connection.meter.backlog >= MOST_WAITING:
                self.close(connection, SlowConsumer())
                continue
            connection.meter.queue()
            groups.setdefault((connection.namespace, cursor.room.shown), []).append(connection.sid)
        for (namespace, shown), sids in groups.items():
            publisher.deliver(self._server, sids, namespace, shown, frame)

    def _send(self, cursor: Cursor, frame: Mapping[str, Any]) -> bool:
        connection = cursor.connection
        if connection.meter.backlog >= MOST_WAITING:
            return False
        connection.meter.queue()
        publisher.deliver(self._server, [connection.sid], connection.namespace, cursor.room.shown, frame)
        return True

    def read_on(self, cursor: Cursor) -> None:
        """Read the cursor's log to its end, in the background."""
        self._server.start_background_task(self._read_to_end, cursor)

    def _read_to_end(self, cursor: Cursor) -> None:
        while not cursor.closed:
            goal = cursor.wanted
            try:
                entries = self._page(cursor)
            except Exception as error:
                log.warning("a log could not be read: %s", type(error).__name__)
                self._server.sleep(random.uniform(0.5, 2.0))
                continue
            for entry in entries:
                if not self._send_when_taken(cursor, entry):
                    return
            if len(entries) < PAGE and cursor.settle(goal):
                return

    def _page(self, cursor: Cursor) -> list[dict[str, Any]]:
        room = cursor.room
        if room.kind is None or room.id is None:
            return []
        with self._readers, self._app.app_context(), reading():
            return LOGS[room.kind].read(room.id, cursor.last, PAGE)

    def _send_when_taken(self, cursor: Cursor, entry: Mapping[str, Any]) -> bool:
        """Send an entry as soon as the client has room for it; False when it is gone, or too slow."""
        while not cursor.advance(entry["seq"], lambda: self._send(cursor, entry)):
            if cursor.closed:
                return False
            if cursor.connection.meter.stalled_for() > STALLED_SECONDS:
                self.close(cursor.connection, SlowConsumer())
                return False
            self._server.sleep(_PAUSE)
        return True

    def show_state(self, cursor: Cursor) -> None:
        """Tell a new follower what is true now, in the background."""
        self._server.start_background_task(self._show_quietly, [cursor])

    def _show_quietly(self, cursors: Sequence[Cursor]) -> None:
        try:
            self._show(cursors)
        except Exception as error:
            log.warning("a state could not be read: %s", type(error).__name__)

    def _show(self, cursors: Sequence[Cursor]) -> None:
        """Tell each of these cursors what it was not told yet of its topic's present state."""
        by_state: dict[str, dict[Any, list[Cursor]]] = {}
        for cursor in cursors:
            if cursor.room.state is not None:
                by_state.setdefault(cursor.room.state, {}).setdefault(cursor.room.id, []).append(cursor)
        for state, followed in by_state.items():
            ids = list(followed)
            for start in range(0, len(ids), PAGE):
                self._show_some(state, {i: followed[i] for i in ids[start : start + PAGE]})

    def _show_some(self, state: str, followed: Mapping[Any, Sequence[Cursor]]) -> None:
        before = {cursor: dict(cursor.told) for cursors in followed.values() for cursor in cursors}
        with self._readers, self._app.app_context(), reading():
            frames = STATES[state](list(followed))
        by_topic: dict[str, list[dict[str, Any]]] = {}
        for frame in frames:
            by_topic.setdefault(frame["topic"], []).append(frame)
        for cursor, told in before.items():
            for frame in by_topic.get(cursor.room.topic, ()):
                what = WHAT_OF(frame)
                # What came over the bus meanwhile is as young as what was read, or younger.
                if cursor.closed or cursor.told.get(what) is not told.get(what) or not _is_news(cursor, frame):
                    continue
                if not self._send(cursor, frame):
                    cursor.told.pop(what, None)  # there was no room: the next round comes back to it

    def recheck(self) -> None:
        """Compare every cursor with its log, so that a lost frame delays an event and never loses it."""
        self._show_quietly(list(self._connections.cursors()))
        by_kind: dict[str, dict[Any, list[Cursor]]] = {}
        for cursor in self._connections.cursors():
            if cursor.room.kind is not None:
                by_kind.setdefault(cursor.room.kind, {}).setdefault(cursor.room.id, []).append(cursor)
        for kind, cursors in by_kind.items():
            with self._app.app_context(), reading():
                heads = LOGS[kind].heads(cursors)
            for log_id, head in heads.items():
                for cursor in cursors[log_id]:
                    if cursor.behind(head):
                        self.read_on(cursor)

    def recheck_soon(self) -> None:
        """Do that in the background."""
        self._server.start_background_task(self._recheck_quietly)

    def _recheck_quietly(self) -> None:
        try:
            self.recheck()
        except Exception as error:
            log.warning("the logs could not be compared: %s", type(error).__name__)

    def close(self, connection: Connection, why: ShopError) -> None:
        """Tell a client why and end its connection; one that does not read is cut off."""
        self._connections.remove(connection.sid)
        data = {"seq": None, "type": "connection.closing", "at": rfc3339(now()), "data": problem(why)}
        publisher.deliver(self._server, [connection.sid], connection.namespace, "connection", data)
        self._server.disconnect(connection.sid, namespace=connection.namespace)
        if isinstance(why, SlowConsumer):
            log.info("a slow socket was closed")
            connection.meter.cut()


def _is_news(cursor: Cursor, frame: Mapping[str, Any]) -> bool:
    """Whether a cursor was not told this already; from now on it was."""
    what = WHAT_OF(frame)
    if what is None:
        return True
    if cursor.told.get(what) == frame["data"]:
        return False
    cursor.told[what] = frame["data"]
    return True
