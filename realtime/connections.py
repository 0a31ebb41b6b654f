"""The sockets of this process, what each of them follows, and who follows a topic."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from uuid import UUID

from realtime.cursors import Connection, Cursor


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
