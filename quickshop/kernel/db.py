"""Running SQL on the ambient session: one place, so that statements are prepared, counted and bounded.

Statements go straight to the driver's cursor: the same rows through SQLAlchemy's result objects cost as much again on
the hot path. Connections are in autocommit; a unit of work sends its BEGIN together with its first statement, so that
a unit costs one round trip less and a read outside a unit none (docs/decisions/0005). Errors come out as SQLAlchemy's.
"""

from __future__ import annotations

import io
from collections import namedtuple
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, cast

import psycopg2
from sqlalchemy import PoolProxiedConnection
from sqlalchemy.exc import DBAPIError

from quickshop.extensions import db
from quickshop.kernel import prepared

# A row: columns by attribute, in order, and by name through `_asdict()`.
Row = Any

# Called with the text of every statement that is run; tests count with it.
watchers: list[Callable[[str], None]] = []

# Where a session's unit of work stands: asked for, or begun on the server.
UNIT, DUE, BEGUN = "quickshop.unit", "due", "begun"
# What the unit still does before it commits: pairs of order and work.
_ENDING = "quickshop.ending"


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


def _execute(connection: PoolProxiedConnection, sql: str, params: dict[str, Any], opening: str) -> Result:
    cursor: Any = connection.cursor()
    try:
        found = prepared.find(sql)
        if found is None:
            cursor.execute(opening + prepared.driver_form(sql), params)
        else:
            known = connection.info.setdefault("quickshop.prepared", set())
            if found.prepare not in known:
                cursor.execute(found.prepare)
                known.add(found.prepare)
            cursor.execute(opening + found.execute, found.values(params))
        return _read(cursor)
    except psycopg2.Error as error:
        raise _wrapped(connection, sql, error, cursor) from error
    finally:
        cursor.close()


def _finish(connection: PoolProxiedConnection, command: str) -> None:
    cursor: Any = connection.cursor()
    try:
        cursor.execute(command)
        if cursor.statusmessage != command:
            raise RuntimeError("an error inside the unit was swallowed: nothing of it was kept")
    except psycopg2.Error as error:
        raise _wrapped(connection, command, error, cursor) from error
    finally:
        cursor.close()


def _wrapped(connection: PoolProxiedConnection, sql: str, error: psycopg2.Error, cursor: Any) -> DBAPIError:
    """The error as SQLAlchemy raises it; a dead connection is thrown away, and the pool that came with it."""
    seen: Any = error
    dialect = db.engine.dialect
    dead = dialect.is_disconnect(seen, connection.dbapi_connection, cursor)
    module: Any = psycopg2.Error
    wrapped: Any = DBAPIError.instance(
        sql, None, seen, module, hide_parameters=True, connection_invalidated=dead, dialect=dialect
    )
    if dead:
        connection.invalidate(error)
        db.engine.dispose(close=False)
    return cast(DBAPIError, wrapped)


def _taken() -> PoolProxiedConnection:
    """A connection straight from the pool, to be closed: it costs a good deal less than a session's."""
    try:
        return db.engine.raw_connection()
    except psycopg2.Error as error:
        module, dialect = cast(Any, psycopg2.Error), db.engine.dialect
        raise DBAPIError.instance(None, None, error, module, dialect=dialect) from error


def _in_hand() -> PoolProxiedConnection:
    """The connection of the unit of work in hand."""
    return db.session().connection().connection


def run(sql: str, /, **params: Any) -> Result:
    """Run one statement with bound parameters (`:name`): in the current unit of work, else on its own."""
    for watch in watchers:
        watch(sql)
    if not in_transaction():
        return _run_alone(sql, params)
    info = db.session().info
    opening = "BEGIN;" if info[UNIT] == DUE else ""
    result = _execute(_in_hand(), sql, params, opening)
    info[UNIT] = BEGUN
    return result


def _run_alone(sql: str, params: dict[str, Any]) -> Result:
    connection = _taken()
    try:
        return _execute(connection, sql, params, "")
    finally:
        connection.close()


def command(sql: str) -> None:
    """Run a command that takes no parameters and cannot be prepared, such as SAVEPOINT, in the unit of work in hand."""
    for watch in watchers:
        watch(sql)
    info = db.session().info
    opening = "BEGIN;" if info.get(UNIT) == DUE else ""
    connection = _in_hand()
    cursor: Any = connection.cursor()
    try:
        cursor.execute(opening + sql)
    except psycopg2.Error as error:
        raise _wrapped(connection, sql, error, cursor) from error
    finally:
        cursor.close()
    if opening:
        info[UNIT] = BEGUN


def run_aside(sql: str, /, **params: Any) -> Result:
    """Run one statement on a connection of its own: kept at once, whatever becomes of the unit of work in hand.

    For signs of life of a long unit, and nothing that such a unit may have locked: it would wait for itself.
    """
    connection = _taken()
    cursor: Any = connection.cursor()
    try:
        cursor.execute(prepared.driver_form(sql), params)
        return _read(cursor)
    except psycopg2.Error as error:
        raise _wrapped(connection, sql, error, cursor) from error
    finally:
        cursor.close()
        connection.close()


def open_unit() -> None:
    """The next statement begins a transaction. Units do not nest."""
    info = db.session().info
    if UNIT in info:
        raise RuntimeError("units of work do not nest")
    info[UNIT] = DUE
    info.pop(_ENDING, None)


def at_the_end(order: str, work: Callable[[], None]) -> None:
    """Put `work` off to the end of the unit in hand. Raises RuntimeError outside of one."""
    if not in_transaction():
        raise RuntimeError("this belongs into a unit of work")
    db.session().info.setdefault(_ENDING, []).append((order, work))


def due_at_the_end() -> list[Callable[[], None]]:
    """What was put off to the end, in its order."""
    put_off: list[tuple[str, Callable[[], None]]] = db.session().info.pop(_ENDING, [])
    return [work for _, work in sorted(put_off, key=lambda pair: pair[0])]


def close_unit(command: str | None) -> None:
    """End the unit with the command that keeps its work, or with None, and give the connection back."""
    session = db.session()
    begun = session.info.pop(UNIT, None) == BEGUN
    try:
        # A roll-back is the pool's when the connection comes back: it must work on a dead connection, too.
        if begun and command is not None:
            _finish(_in_hand(), command)
    finally:
        session.rollback()


def unit_begun() -> bool:
    """Whether the current unit has run a statement: before that, nothing can have happened."""
    return bool(db.session().info.get(UNIT) == BEGUN)


def release() -> None:
    """Hold no connection from here on: outside of a unit of work none is held.

    Raises RuntimeError in a unit of work: what followed would be outside of it.
    """
    if in_transaction():
        raise RuntimeError("a unit of work holds the connection")


def copy(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write many rows of one table at once, within the current unit of work; names are ours, never a caller's."""
    if not unit_begun():
        run("SELECT 1")
    connection = _in_hand()
    cursor: Any = connection.cursor()
    text = io.StringIO("".join("\t".join(map(_copied, row)) + "\n" for row in rows))
    sql = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    try:
        cursor.copy_expert(sql, text)
    except psycopg2.Error as error:
        raise _wrapped(connection, sql, error, cursor) from error
    finally:
        cursor.close()


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _copied(value: Any) -> str:
    return "\\N" if value is None else str(value).translate(_ESCAPES)


def run_many(sql: str, rows: list[dict[str, Any]]) -> None:
    """Run one statement for many parameter sets; does nothing for none."""
    for params in rows:
        run(sql, **params)


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
    return bool(db.session.registry.has() and UNIT in db.session().info)


def sqlstate(error: DBAPIError) -> str | None:
    """The SQLSTATE of a database error, or None where the server did not say."""
    return getattr(error.orig, "pgcode", None)


def constraint(error: DBAPIError) -> str | None:
    """The name of the violated constraint, or None."""
    diag = getattr(error.orig, "diag", None)
    return getattr(diag, "constraint_name", None)
