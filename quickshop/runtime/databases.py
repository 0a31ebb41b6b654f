"""Questions the supervisor asks a database before the shop runs on it: is it there, which revision, which one is it.

Plain psycopg2, so that a start does not wait for the shop's own imports."""

from __future__ import annotations

import ast
import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import psycopg2

from quickshop.runtime import database_roles
from quickshop.runtime.failures import CannotStart

_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg2")
_OLDEST = 170000
_WRONG_FORM = "DATABASE_URL is not of the form postgresql://user:password@host:5432/database."


def plain_url(url: str) -> str:
    """The URL as libpq takes it, without SQLAlchemy's driver name. Raises CannotStart for another kind of URL."""
    parts = _split(url)
    if parts.scheme not in _SCHEMES:
        raise CannotStart(_WRONG_FORM)
    return "postgresql" + url[len(parts.scheme) :]


def refuse_unusable(url: str) -> None:
    """Raise CannotStart unless a PostgreSQL 17 or later answers at `url`. The sentence never shows the password."""
    try:
        with _connected(url, seconds=4) as connection:
            version = connection.server_version
    except psycopg2.Error as error:
        reason = _first_line(error, _split(url))
        raise CannotStart(f"The database of DATABASE_URL ({shown(url)}) cannot be used: {reason}.") from None
    if version < _OLDEST:
        raise CannotStart(
            f"The database of DATABASE_URL ({shown(url)}) is PostgreSQL {version // 10000}; the shop needs 17 or later."
        )


def shown(url: str) -> str:
    """Where a database or broker is, without who may enter."""
    parts = _split(url)
    place = parts.netloc.rpartition("@")[2] or "local socket"
    return f"{place}{parts.path}"


def connections_allowed(url: str) -> int:
    """How many connections the server takes, those kept for its superuser aside."""
    with _connected(url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('max_connections')::int - current_setting('reserved_connections')::int")
        return int(_one(cursor))


def revision(url: str) -> str | None:
    """The migration the database stands at; None before the first."""
    with _connected(url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('alembic_version') IS NOT NULL")
        if not _one(cursor):
            return None
        cursor.execute("SELECT version_num FROM alembic_version")
        row = cursor.fetchone()
    return row[0] if row else None


def has_roles(url: str) -> bool:
    """Whether the processes' database roles are there with what this program grants them."""
    with _connected(url) as connection, connection.cursor() as cursor:
        return database_roles.in_place(cursor)


def identity(url: str) -> str:
    """A word that is the same only for the same database of the same cluster: a new one of that name differs."""
    with _connected(url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT oid::text FROM pg_database WHERE datname = current_database()")
        number = _one(cursor)
        try:
            cursor.execute("SELECT system_identifier::text FROM pg_control_system()")
            cluster = _one(cursor)
        except psycopg2.Error:
            cluster = shown(url)
    return hashlib.sha256(f"{cluster}/{number}".encode()).hexdigest()[:16]


def newest_revision(versions: Path) -> str | None:
    """The last migration among the files of `versions`: the one no other names as its predecessor."""
    found: dict[str, set[str]] = {}
    for file in versions.glob("*.py"):
        values = _constants(ast.parse(file.read_text()))
        if isinstance(values.get("revision"), str):
            before = values.get("down_revision")
            found[values["revision"]] = {before} if isinstance(before, str) else set(before or ())
    heads = set(found) - set().union(*found.values(), set())
    return heads.pop() if len(heads) == 1 else None


def unserved(url: str, queues: tuple[str, ...], *, seconds: int) -> bool:
    """Whether the relay is alive and yet the last canary of every one of `queues` ran over `seconds` ago.

    A queue without a canary is not counted as unserved; without a relay no canary would be sent.
    """
    with _connected(url, seconds=3) as connection, connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '2s'")
        cursor.execute("SELECT coalesce(max(seen_at) > now() - interval '15 seconds', false) FROM relay_beats")
        if not _one(cursor):
            return False
        cursor.execute(
            "SELECT count(*) FROM worker_canaries "
            "WHERE queue = ANY(%s) AND seen_at < now() - make_interval(secs => %s)",
            [list(queues), seconds],
        )
        return bool(_one(cursor) == len(queues))


def _constants(module: ast.Module) -> dict[str, Any]:
    values = {}
    for statement in module.body:
        target = statement.targets[0] if isinstance(statement, ast.Assign) else getattr(statement, "target", None)
        value = getattr(statement, "value", None)
        if isinstance(target, ast.Name) and isinstance(value, ast.expr):
            with contextlib.suppress(ValueError):
                values[target.id] = ast.literal_eval(value)
    return values


@contextlib.contextmanager
def _connected(url: str, *, seconds: int = 5) -> Iterator[Any]:
    connection = psycopg2.connect(plain_url(url), connect_timeout=seconds, application_name="quickshop-supervisor")
    try:
        connection.autocommit = True
        yield connection
    finally:
        connection.close()


def _one(cursor: Any) -> Any:
    row = cursor.fetchone()
    return row[0] if row else None


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise CannotStart(_WRONG_FORM) from None


def _first_line(error: psycopg2.Error, parts: SplitResult) -> str:
    if not isinstance(error, psycopg2.OperationalError):
        # libpq repeats the whole address when it cannot read it.
        return "the address cannot be read"
    lines = str(error).strip().splitlines() or ["no answer"]
    reason = lines[0].rstrip(".")
    with contextlib.suppress(ValueError):
        for secret in {parts.password, unquote(parts.password or "")} - {None, ""}:
            reason = reason.replace(str(secret), "***")
    return reason
