"""The sockets of this process, what each of them follows, and who follows a topic."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from realtime.auth import Principal
from realtime.cursors import Cursor
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


class Connections:
    """All of them. Changes are locked; readers get tuples that never change."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_sid: dict[str, Connection] = {}
        self._followers: dict[str, tuple[Cursor, ...]] = {}

    def add(self, connection: Connection) -> None:
        """A socket was let in."""
        with self._lock:
            self._by_sid[connection.sid] = connection

    def get(self, sid: str) -> Connection | None:
        """The connection of a sid."""
        return self._by_sid.get(sid)

    def all(self) -> list[Connection]:
        """Every connection now."""
        return list(self._by_sid.values())

    def of_user(self, user_id: object) -> int:
        """How many connections a member has here."""
        return sum(1 for c in self.all() if c.principal.caller.user_id == user_id)

    def watching(self) -> int:
        """How many follow a topic of the live page."""
        return sum(1 for c in self.all() if c.namespace == "/admin" and c.cursors)

    def followed(self, state: str) -> frozenset[UUID]:
        """The ids of all topics with this kind of state that somebody follows."""
        rooms = (cursor.room for cursor in self.cursors())
        return frozenset(room.id for room in rooms if room.state == state and room.id is not None)

    def remove(self, sid: str) -> Connection | None:
        """A socket is gone."""
        with self._lock:
            connection = self._by_sid.pop(sid, None)
            if connection is not None:
                for cursor in connection.cursors.values():
                    self._leave(cursor)
                connection.cursors.clear()
        return connection

    def follow(self, cursor: Cursor) -> bool:
        """Let a cursor receive its topic's frames, in place of an earlier one; False if the socket is gone."""
        connection, shown = cursor.connection, cursor.room.shown
        with self._lock:
            if self._by_sid.get(connection.sid) is not connection:
                return False
            earlier = connection.cursors.get(shown)
            if earlier is not None:
                self._leave(earlier)
            connection.cursors[shown] = cursor
            topic = cursor.room.topic
            self._followers[topic] = (*self._followers.get(topic, ()), cursor)
            return True

    def unfollow(self, connection: Connection, shown: str) -> bool:
        """End a subscription; says whether there was one."""
        with self._lock:
            cursor = connection.cursors.pop(shown, None)
            if cursor is not None:
                self._leave(cursor)
            return cursor is not None

    def _leave(self, cursor: Cursor) -> None:
        cursor.close()
        topic = cursor.room.topic
        rest = tuple(c for c in self._followers.get(topic, ()) if c is not cursor)
        if rest:
            self._followers[topic] = rest
        else:
            self._followers.pop(topic, None)

    def followers(self, topic: str) -> tuple[Cursor, ...]:
        """The cursors of a topic."""
        return self._followers.get(topic, ())

    def cursors(self) -> Iterable[Cursor]:
        """Every cursor now."""
        for followers in list(self._followers.values()):
            yield from followers
