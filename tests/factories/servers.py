"""The real PostgreSQL and Valkey a test process runs on, migrated once, emptied before each test."""

import contextlib
import os

import psycopg2
import redis
from alembic import command
from alembic.config import Config

from quickshop.extensions import Base
from quickshop.factory import MODELS
from quickshop.runtime import databases, servers
from tests.factories.gateways import ROOT, WEBHOOK_SECRET

assert MODELS  # imported for the tables they define
# Filled by the migrations, never by a test.
_KEPT = {"order_transitions", "roles", "periodic_jobs", "audit_log", "audit_heads", "tax_classes"}
_FILLED_BY_TESTS = [t.name for t in reversed(Base.metadata.sorted_tables) if t.name not in _KEPT]
# Most tests fill few tables: those that never had a row are not asked.
_EMPTYING = """
CREATE FUNCTION pg_temp.empty_tables(names text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY names LOOP
        IF pg_relation_size(name::regclass) > 0 THEN
            EXECUTE 'DELETE FROM ' || name;
        END IF;
    END LOOP;
END $$
"""
# Roles that a test made go, and the shop's own are again what the migrations say.
_REMEMBER_ROLES = "CREATE TEMP TABLE migrated_roles AS SELECT * FROM roles"
_RESTORE_ROLES = """
DELETE FROM tax_classes WHERE code <> 'standard';
DELETE FROM roles WHERE NOT built_in;
UPDATE roles r SET permissions = m.permissions, description = m.description FROM migrated_roles m
WHERE m.name = r.name AND (r.permissions, r.description) IS DISTINCT FROM (m.permissions, m.description)
"""


class TestServers:
    """The URLs of a running pair, and the two things tests do to it as a whole: migrate and empty."""

    __test__ = False

    def __init__(self, running):
        self.database = running.database
        self.redis = running.redis
        self.running = running
        self._cleaner = None
        self.emptied = 0  # how often

    def migrate(self):
        """Bring the database up to date."""
        with _environment(DATABASE_URL=self.database, QUICKSHOP_ENV="testing"):
            command.upgrade(Config(ROOT / "alembic.ini"), "head")

    def connect(self):
        """A psycopg2 connection of its own, in autocommit."""
        connection = psycopg2.connect(databases.plain_url(self.database))
        connection.autocommit = True
        return connection

    def run(self, sql, *params):
        """Run SQL outside every application; the rows, if there are any."""
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(sql, params or None)
            return cursor.fetchall() if cursor.description else []

    def empty(self):
        """Delete every row that a test may have left, in the database and in Valkey."""
        if self._cleaner is None:
            self._cleaner = (self.connect(), redis.Redis.from_url(self.redis))
            self._cleaner[0].cursor().execute(f"{_REMEMBER_ROLES}; {_EMPTYING}")
        connection, broker = self._cleaner
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '12s'; SELECT pg_temp.empty_tables(%s)", [_FILLED_BY_TESTS])
            cursor.execute(_RESTORE_ROLES)
        broker.flushall()
        self.emptied += 1

    def environment(self, home):
        """The settings by which an application finds this pair."""
        return {
            "QUICKSHOP_ENV": "testing",
            "QUICKSHOP_HOME": str(home),
            "DATABASE_URL": self.database,
            "REDIS_URL": self.redis,
            "GATEWAY_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "MAIL_BACKEND": "file",
            "MAIL_FILE": str(home / "outbox.jsonl"),
            "CATALOGUE_CACHE_SECONDS": "0",  # each request sees what the test has just written
            "POOL_SIZE": "100",  # a race has a hundred buyers in one process
        }


@contextlib.contextmanager
def running_servers(*, durable=False):
    """A migrated throw-away pair; with `durable` it survives kills as a real one does."""
    with servers.start(durable=durable) as running:
        pair = TestServers(running)
        pair.migrate()
        yield pair


@contextlib.contextmanager
def _environment(**values):
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)
