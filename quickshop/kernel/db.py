"""Running SQL on the connection in hand: one place, so that statements are prepared, counted and bounded.

A unit of work takes a connection from SQLAlchemy's pool with its first statement and keeps it to its end; a statement
outside a unit gives its own back at once. Statements go straight to the driver's cursor: the same rows through
SQLAlchemy's session and result objects cost as much again on the hot path. Connections are in autocommit; a unit of
work sends its BEGIN together with its first statement, so that a unit costs one round trip less and a read outside a
unit none (docs/decisions/0005). Errors come out as SQLAlchemy's.
"""

from __future__ import annotations

import io
from collections import namedtuple
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, cast

import psycopg2
from sqlalchemy import Engine, PoolProxiedConnection
from sqlalchemy.exc import DBAPIError

from quickshop.extensions import context_store, db
from quickshop.kernel import prepared

# A row: columns by attribute, in order, and by name through `_asdict()`.
Row = Any

# Called with the text of every statement that is run; tests count with it.
watchers: list[Callable[[str], None]] = []

# Where a unit of work stands: asked for, begun on the server, or lost with its connection.
DUE, BEGUN, LOST = "due", "begun", "lost"
_IN_HAND = "quickshop.database"


class _InHand:
    """What an application context (a request, a task) has of the database: the unit of work it is in, if any."""

    __slots__ = ("along", "connection", "ending", "engine", "unit")

    def __init__(self) -> None:
        self.engine: Engine = db.engine
        self.connection: PoolProxiedConnection | None = None
        self.unit: str | None = None
        self.ending: list[tuple[str, Callable[[], None]]] = []  # what the unit still does before it commits
        self.along: list[tuple[str, dict[str, Any]]] = []  # statements that go out with the next one

    def cursor(self) -> Any:
        """A cursor of the connection, which is taken from the pool first where there is none."""
        if self.connection is None:
            if self.unit in (BEGUN, LOST):
                raise RuntimeError("the unit of work was lost with its connection")
            try:
                self.connection = self.engine.raw_connection()
            except psycopg2.Error as error:
                raise self.wrapped(None, error, None) from error
        return self.connection.cursor()

    def give_back(self) -> None:
        """Put the connection back into the pool, which rolls back what is still open."""
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.close()

    def wrapped(self, sql: str | None, error: psycopg2.Error, cursor: Any) -> DBAPIError:
        """The error as SQLAlchemy raises it; a dead connection is thrown away, and the pool that came with it."""
        seen: Any = error
        connection, dialect = self.connection, self.engine.dialect
        driver: Any = connection.dbapi_connection if connection is not None else None
        dead = dialect.is_disconnect(seen, driver, cursor)
        module: Any = psycopg2.Error
        made: Any = DBAPIError.instance(
            sql, None, seen, module, hide_parameters=True, connection_invalidated=dead, dialect=dialect
        )
        if dead and connection is not None:
            self.connection = None
            if self.unit == BEGUN:
                self.unit = LOST
            connection.invalidate(error)
            self.engine.dispose(close=False)
        return cast(DBAPIError, made)


def _in_hand() -> _InHand:
    store = context_store()
    found: _InHand | None = store.get(_IN_HAND)
    if found is None:
        found = store[_IN_HAND] = _InHand()
    return found


class Result:
    """What a statement gave: its rows, already read, and how many it touched."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: list[Row], rowcount: int) -> None:
        self._rows = rows
        self.rowcount = rowcount

    def all(self) -> list[Row]:
        """All rows."""
        return self._rows

    def first(self) -> Row | None:
        """The first row, or None."""
        return self._rows[0] if self._rows else None

    def one(self) -> Row:
        """The only row. Raises LookupError for none or more."""
        if len(self._rows) != 1:
            raise LookupError(f"{len(self._rows)} rows where one was expected")
        return self._rows[0]

    def scalar(self) -> Any:
        """The first column of the first row, or None."""
        return self._rows[0][0] if self._rows else None


@lru_cache(maxsize=512)
def _row_type(columns: tuple[str, ...]) -> Callable[..., Row]:
    made: Any = namedtuple("Row", columns, rename=True)  # type: ignore[misc]
    return cast(Callable[..., Row], made._make)


def _read(cursor: Any) -> Result:
    if cursor.description is None:
        return Result([], cursor.rowcount)
    make = _row_type(tuple([column[0] for column in cursor.description]))
    return Result([make(values) for values in cursor.fetchall()], cursor.rowcount)


def _prepared(work: _InHand, cursor: Any, sql: str) -> prepared.Prepared | None:
    """The statement as prepared on this connection, or None for one that is not prepared."""
    found = prepared.find(sql)
    if found is not None:
        connection: Any = work.connection
        known = connection.info.setdefault("quickshop.prepared", set())
        if found.prepare not in known:
            cursor.execute(found.prepare)
            known.add(found.prepare)
    return found


def _text(work: _InHand, cursor: Any, sql: str, params: dict[str, Any]) -> bytes:
    """The statement with its values in it."""
    found = _prepared(work, cursor, sql)
    if found is None:
        text: bytes = cursor.mogrify(prepared.driver_form(sql), params)
    else:
        text = cursor.mogrify(found.execute, found.values(params))
    return text


def _ahead(work: _InHand, cursor: Any) -> bytes:
    """What goes out before the next statement: the unit's BEGIN and what was put off to go along."""
    opening = b"BEGIN;" if work.unit == DUE else b""
    put_off, work.along = work.along, []
    return opening + b"".join([_text(work, cursor, sql, params) + b";" for sql, params in put_off])


def _execute(work: _InHand, sql: str, params: dict[str, Any]) -> Result:
    """Run a statement; the first of a unit of work brings its BEGIN along."""
    cursor = work.cursor()
    opening = "BEGIN;" if work.unit == DUE else ""
    try:
        if work.along:
            cursor.execute(_ahead(work, cursor) + _text(work, cursor, sql, params))
        elif (found := _prepared(work, cursor, sql)) is not None:
            cursor.execute(opening + found.execute, found.values(params))
        else:
            cursor.execute(opening + prepared.driver_form(sql), params)
        if opening:
            work.unit = BEGUN
        return _read(cursor)
    except psycopg2.Error as error:
        wrapped = work.wrapped(sql, error, cursor)
        if opening and work.connection is not None:
            work.unit = BEGUN  # a failed transaction is open
        raise wrapped from error
    finally:
        cursor.close()


def _finish(work: _InHand, command: str) -> None:
    cursor = work.cursor()
    try:
        cursor.execute(_ahead(work, cursor) + command.encode())
        if cursor.statusmessage != command:
            raise RuntimeError("an error inside the unit was swallowed: nothing of it was kept")
    except psycopg2.Error as error:
        raise work.wrapped(command, error, cursor) from error
    finally:
        cursor.close()


def run(sql: str, /, **params: Any) -> Result:
    """Run one statement with bound parameters (`:name`): in the current unit of work, else on its own."""
    for watch in watchers:
        watch(sql)
    work = _in_hand()
    try:
        return _execute(work, sql, params)
    finally:
        if work.unit is None:
            work.give_back()


def run_along(sql: str, /, **params: Any) -> None:
    """Run a statement whose answer nobody reads together with the next one of the unit, or with its COMMIT.

    It costs no round trip; an error of its own comes out where that one is run. Outside of a unit it is run at once.
    """
    if not in_transaction():
        run(sql, **params)
        return
    for watch in watchers:
        watch(sql)
    _in_hand().along.append((sql, params))


def command(sql: str) -> None:
    """Run a command that takes no parameters and cannot be prepared, such as SAVEPOINT, in the unit of work in hand.

    Raises RuntimeError outside of one.
    """
    if not in_transaction():
        raise RuntimeError("this belongs into a unit of work")
    for watch in watchers:
        watch(sql)
    work = _in_hand()
    cursor = work.cursor()
    try:
        cursor.execute(_ahead(work, cursor) + sql.encode())
        if work.unit == DUE:
            work.unit = BEGUN
    except psycopg2.Error as error:
        raise work.wrapped(sql, error, cursor) from error
    finally:
        cursor.close()


def run_aside(sql: str, /, **params: Any) -> Result:
    """Run one statement on a connection of its own: kept at once, whatever becomes of the unit of work in hand.

    For signs of life of a long unit, and nothing that such a unit may have locked: it would wait for itself.
    """
    work = _InHand()
    try:
        return _execute_once(work, sql, params)
    finally:
        work.give_back()


def _execute_once(work: _InHand, sql: str, params: dict[str, Any]) -> Result:
    cursor = work.cursor()
    try:
        cursor.execute(prepared.driver_form(sql), params)
        return _read(cursor)
    except psycopg2.Error as error:
        raise work.wrapped(sql, error, cursor) from error
    finally:
        cursor.close()


def open_unit() -> None:
    """The next statement begins a transaction. Units do not nest."""
    work = _in_hand()
    if work.unit is not None:
        raise RuntimeError("units of work do not nest")
    work.unit = DUE
    work.ending, work.along = [], []


def at_the_end(order: str, work: Callable[[], None]) -> None:
    """Put `work` off to the end of the unit in hand. Raises RuntimeError outside of one."""
    if not in_transaction():
        raise RuntimeError("this belongs into a unit of work")
    _in_hand().ending.append((order, work))


def due_at_the_end() -> list[Callable[[], None]]:
    """What was put off to the end, in its order."""
    work = _in_hand()
    put_off, work.ending = work.ending, []
    return [due for _, due in sorted(put_off, key=lambda pair: pair[0])]


def close_unit(command: str | None) -> None:
    """End the unit with the command that keeps its work, or with None, and give the connection back."""
    work = _in_hand()
    try:
        # A roll-back is the pool's when the connection comes back: it must work on a dead connection, too.
        if command is not None and (work.unit != DUE or work.along):
            _finish(work, command)
    finally:
        work.unit, work.along = None, []
        work.give_back()


def unit_begun() -> bool:
    """Whether the current unit has run a statement, or will with its COMMIT: else nothing can have happened."""
    work = _in_hand()
    return work.unit in (BEGUN, LOST) or bool(work.along)


def release() -> None:
    """Hold no connection from here on: outside of a unit of work none is held.

    Raises RuntimeError in a unit of work: what followed would be outside of it.
    """
    if in_transaction():
        raise RuntimeError("a unit of work holds the connection")


def copy(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write many rows of one table at once, within the current unit of work; names are ours, never a caller's."""
    work = _in_hand()
    if work.unit == DUE or work.along:
        run("SELECT 1")
    cursor = work.cursor()
    text = io.StringIO("".join("\t".join(map(_copied, row)) + "\n" for row in rows))
    sql = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    try:
        cursor.copy_expert(sql, text)
    except psycopg2.Error as error:
        raise work.wrapped(sql, error, cursor) from error
    finally:
        cursor.close()


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _copied(value: Any) -> str:
    return "\\N" if value is None else str(value).translate(_ESCAPES)


def run_many(sql: str, rows: list[dict[str, Any]]) -> None:
    """Run one statement for many parameter sets, in one round trip of a unit of work; does nothing for none."""
    for params in rows:
        run_along(sql, **params)


def row(sql: str, /, **params: Any) -> Row | None:
    """The first row, or None."""
    return run(sql, **params).first()


def rows(sql: str, /, **params: Any) -> list[Row]:
    """All rows."""
    return run(sql, **params).all()


def scalar(sql: str, /, **params: Any) -> Any:
    """The first column of the first row, or None."""
    return run(sql, **params).scalar()


def in_transaction() -> bool:
    """Whether a unit of work is open (a network call must not happen then)."""
    found: _InHand | None = context_store().get(_IN_HAND)
    return found is not None and found.unit is not None


def sqlstate(error: DBAPIError) -> str | None:
    """The SQLSTATE of a database error, or None where the server did not say."""
    return getattr(error.orig, "pgcode", None)


def constraint(error: DBAPIError) -> str | None:
    """The name of the violated constraint, or None."""
    diag = getattr(error.orig, "diag", None)
    return getattr(diag, "constraint_name", None)
