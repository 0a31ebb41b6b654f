"""Running SQL on the ambient session: one place, so that statements can be counted and bounded."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import CursorResult, Row, TextClause, text
from sqlalchemy.exc import DBAPIError

from quickshop.extensions import db


@lru_cache(maxsize=1024)
def _statement(sql: str) -> TextClause:
    return text(sql)


def run(sql: str, /, **params: Any) -> CursorResult[Any]:
    """Run one statement with bound parameters inside the current transaction."""
    return db.session.connection().execute(_statement(sql), params)


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
