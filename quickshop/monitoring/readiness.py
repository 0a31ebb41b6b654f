"""Whether the parts that the shop needs are there: database, migrations, Redis, relay, workers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import redis
from alembic.config import Config
from alembic.script import ScriptDirectory
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy.exc import SQLAlchemyError

from quickshop.extensions import settings
from quickshop.kernel import db

RELAY_SECONDS = 10
WORKER_SECONDS = 45
QUEUES = ("orders.vip", "orders.high", "orders.standard", "notify", "system")
_MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
_ESSENTIAL = ("database", "migrations")


@dataclass(frozen=True)
class Part:
    """One part and its state; `ok` is whether it does its work."""

    name: str
    ok: bool
    state: str

    def as_dict(self) -> dict[str, Any]:
        """The form of the API."""
        return {"name": self.name, "ok": self.ok, "state": self.state}


@lru_cache(maxsize=1)
def migration_heads() -> frozenset[str]:
    """The newest migrations that this program knows."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return frozenset(ScriptDirectory.from_config(config).get_heads())


@lru_cache(maxsize=4)
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 0))


def _migrations() -> Part:
    found = {row.version_num for row in db.rows("SELECT version_num FROM alembic_version")}
    fine = found == migration_heads()
    return Part("migrations", fine, "at head" if fine else "not at head")


def _redis() -> Part:
    try:
        _client(settings().redis_url).ping()
    except (redis.RedisError, OSError) as error:
        return Part("redis", False, type(error).__name__)
    return Part("redis", True, "answers")


def _age(name: str, seconds: float | None, limit: int) -> Part:
    if seconds is None:
        return Part(name, False, "never seen")
    return Part(name, seconds < limit, f"seen {seconds:.0f} s ago")


def _relay() -> Part:
    seconds = db.scalar("SELECT extract(epoch FROM clock_timestamp() - max(seen_at)) FROM relay_beats")
    return _age("relay", None if seconds is None else float(seconds), RELAY_SECONDS)


def _workers() -> list[Part]:
    seen = {
        row.queue: float(row.seconds)
        for row in db.rows(
            "SELECT queue, extract(epoch FROM clock_timestamp() - seen_at) AS seconds FROM worker_canaries"
        )
    }
    return [_age(f"worker {queue}", seen.get(queue), WORKER_SECONDS) for queue in QUEUES]


def parts() -> list[Part]:
    """Every part with its state. A database that does not answer leaves the others unknown but Redis."""
    try:
        db.scalar("SELECT 1")
        found = [Part("database", True, "answers"), _migrations(), _relay(), *_workers()]
    except SQLAlchemyError as error:
        found = [Part("database", False, type(error).__name__), Part("migrations", False, "unknown")]
    return [*found, _redis()]


def ready(found: list[Part]) -> bool:
    """Whether requests can be served: the database answers and has the tables this program expects."""
    return all(part.ok for part in found if part.name in _ESSENTIAL)
