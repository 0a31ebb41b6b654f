"""Running SQL on the ambient session: one place, so that statements are prepared, counted and bounded.

A statement that a connection sees again is prepared there (PREPARE / EXECUTE): the wide statements of an order
cost PostgreSQL several times more to plan than to run (measured in docs/decisions/0004).
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, CursorResult, Row, TextClause, text
from sqlalchemy.exc import DBAPIError

from quickshop.extensions import db

_PARAMETER = re.compile(r"(?<![:\w]):([A-Za-z_]\w*)(?!:)")
_SEEN_BEFORE_PREPARING = 2
_MOST_PREPARED = 300
_seen: Counter[str] = Counter()
_numbers = itertools.count()  # never the same twice, whichever threads prepare at once


@lru_cache(maxsize=1024)
def _statement(sql: str) -> TextClause:
    return text(sql)


class _Prepared:
    """A statement as PREPARE wants it: numbered parameters, and the names in that order."""

    def __init__(self, sql: str, number: int) -> None:
        self.names: list[str] = []
        body = _PARAMETER.sub(self._number, sql)
        self.prepare = f"PREPARE q{number} AS {body}"
        marks = ", ".join(["%s"] * len(self.names))
        self.execute = f"EXECUTE q{number} ({marks})" if marks else f"EXECUTE q{number}"

    def _number(self, match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in self.names:
            self.names.append(name)
        return f"${self.names.index(name) + 1}"


_prepared: dict[str, _Prepared] = {}


def _to_prepare(sql: str) -> _Prepared | None:
    """The prepared form of a statement that comes again and again, else None."""
    found = _prepared.get(sql)
    if found is None and len(_prepared) < _MOST_PREPARED:
        _seen[sql] += 1
        if _seen[sql] > _SEEN_BEFORE_PREPARING:
            del _seen[sql]
            found = _prepared[sql] = _Prepared(sql, next(_numbers))
    if len(_seen) > 10 * _MOST_PREPARED:
        _seen.clear()
    return found


def _execute_prepared(connection: Connection, prepared: _Prepared, params: dict[str, Any]) -> CursorResult[Any]:
    known = connection.info.setdefault("quickshop.prepared", set())
    if prepared.prepare not in known:
        connection.exec_driver_sql(prepared.prepare)
        known.add(prepared.prepare)
    return connection.exec_driver_sql(prepared.execute, tuple(params[name] for name in prepared.names))


def run(sql: str, /, **params: Any) -> CursorResult[Any]:
    """Run one statement with bound parameters inside the current transaction."""
    connection = db.session.connection()
    prepared = _to_prepare(sql)
    if prepared is not None:
        return _execute_prepared(connection, prepared, params)
    return connection.execute(_statement(sql), params)


def run_many(sql: str, rows: list[dict[str, Any]]) -> None:
    """Run one statement for many parameter sets; does nothing for none."""
    if rows:
        db.session.connection().execute(_statement(sql), rows)


def row(sql: str, /, **params: Any) -> Row[Any] | None:
    """The first row, or None."""
    return run(sql, **params).first()


def rows(sql: str, /, **params: Any) -> list[Row[Any]]:
    """All rows."""
    return list(run(sql, **params).all())


def scalar(sql: str, /, **params: Any) -> Any:
    """The first column of the first row, or None."""
    return run(sql, **params).scalar()


def in_transaction() -> bool:
    """Whether the ambient session holds an open transaction (a network call must not happen then)."""
    return bool(db.session.registry.has() and db.session().in_transaction())


def sqlstate(error: DBAPIError) -> str | None:
    """The SQLSTATE of a database error, or None where the server did not say."""
    return getattr(error.orig, "pgcode", None)


def constraint(error: DBAPIError) -> str | None:
    """The name of the violated constraint, or None."""
    diag = getattr(error.orig, "diag", None)
    return getattr(diag, "constraint_name", None)
