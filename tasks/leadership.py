"""Which of several relays works: the one that holds an advisory lock on a connection of its own.

Postgres ends that connection when it stays silent for five seconds, so a frozen leader loses the lock too.
"""

from __future__ import annotations

import logging
import time
from typing import Any

import psycopg2
from sqlalchemy import Engine, PoolProxiedConnection
from sqlalchemy.exc import InterfaceError, SQLAlchemyError

log = logging.getLogger(__name__)

LOCK = 727_002
SILENCE_SECONDS = 5
# The leader stops acting this long after its last answered statement: well before Postgres gives the lock away.
VALID_SECONDS = 4.0

_WATCH = (
    "SELECT EXISTS (SELECT FROM outbox WHERE sent_at IS NULL"
    " AND (lease_until IS NULL OR lease_until < clock_timestamp()))"
)


class Leadership:
    """The lock and its connection. Used by one thread; others may only ask `holds`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: PoolProxiedConnection | None = None
        self._cursor: Any = None
        self._valid_until = 0.0

    @property
    def holds(self) -> bool:
        """Whether this process may act as the leader now."""
        return time.monotonic() < self._valid_until

    @property
    def connected(self) -> bool:
        """Whether the connection that carries the lock is thought to live."""
        return self._connection is not None

    def take(self) -> bool:
        """Try to become the leader. Raises SQLAlchemyError while the database is away."""
        asked_at = time.monotonic()
        if self._ask(f"SELECT pg_try_advisory_lock({LOCK})"):
            self._valid_until = asked_at + VALID_SECONDS
            return True
        return False

    def outbox_waits(self) -> bool:
        """Whether there are rows to send. Every call renews the leadership.

        Raises SQLAlchemyError when the connection, and with it the lock, is lost.
        """
        asked_at = time.monotonic()
        waits = self._ask(_WATCH)
        self._valid_until = asked_at + VALID_SECONDS
        return waits

    def resign(self) -> None:
        """Give up the lock by closing the connection."""
        self._valid_until = 0.0
        connection, self._connection, self._cursor = self._connection, None, None
        if connection is not None:
            try:
                connection.close()
            except psycopg2.Error:
                log.debug("the leader's connection was already gone")

    def _ask(self, statement: str) -> bool:
        # The driver's own cursor: this runs a hundred times a second, and SQLAlchemy's layers cost more than the query.
        try:
            if self._connection is None:
                self._connect()
            self._cursor.execute(statement)
            return bool(self._cursor.fetchone()[0])
        except psycopg2.Error as error:
            self.resign()
            raise InterfaceError(statement, None, error) from error
        except SQLAlchemyError:
            self.resign()
            raise

    def _connect(self) -> None:
        connection = self._engine.raw_connection()
        connection.detach()  # it carries a session lock, so it must never go back to the pool
        connection.dbapi_connection.autocommit = True  # type: ignore[union-attr]
        self._connection, self._cursor = connection, connection.cursor()
        self._cursor.execute(f"SET idle_session_timeout = '{SILENCE_SECONDS}s'")
