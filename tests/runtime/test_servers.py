"""The throw-away servers: real, private to their folder, durable through a crash, gone at the end."""

import os
import shutil
from pathlib import Path

import psycopg2
import pytest
import redis

from quickshop.runtime import servers


@pytest.fixture(scope="module")
def running():
    with servers.start(durable=False) as urls:
        yield urls


def ask(url, statement):
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone() if cursor.description else None
    finally:
        connection.close()


def test_the_database_is_postgresql_18_with_the_statistics_and_search_extensions(running):
    assert ask(running.database, "SHOW server_version_num")[0].startswith("18")
    assert ask(running.database, "SELECT count(*) >= 0 FROM pg_stat_statements") == (True,)
    ask(running.database, "CREATE EXTENSION IF NOT EXISTS pg_trgm")
    ask(running.database, "CREATE EXTENSION IF NOT EXISTS unaccent")


def test_the_shop_role_is_no_superuser_but_may_make_test_databases(running):
    assert ask(running.database, "SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user") == (
        False,
        True,
    )


def test_the_broker_asks_for_its_password_and_refuses_to_drop_keys(running):
    client = redis.from_url(running.redis)
    assert client.ping()
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    host = client.connection_pool.connection_kwargs
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(host=host["host"], port=host["port"]).ping()


def test_the_url_stays_the_same_through_a_crash_and_committed_rows_survive(running):
    # Throw-away servers commit without waiting for the log; a shop's do not.
    ask(f"{running.database}?options=-csynchronous_commit%3Don", "CREATE TABLE kept AS SELECT 7 AS value")
    running.postgres.kill()
    running.valkey.kill()
    running.postgres.start()
    running.valkey.start()
    assert ask(running.database, "SELECT value FROM kept") == (7,)
    assert redis.from_url(running.redis).ping()


def test_a_private_folder_of_the_tests_will_do(tmp_path):
    before = [(folder, folder.stat().st_mode) for folder in tmp_path.parents]
    with servers.start(tmp_path / "inner", durable=False) as urls:
        assert ask(urls.database, "SELECT 1") == (1,)
        processes = [urls.postgres.process.pid, urls.valkey.process.pid]
    assert not [pid for pid in processes if Path(f"/proc/{pid}").exists()]
    assert [(folder, folder.stat().st_mode) for folder in tmp_path.parents] == before


def test_a_path_too_long_for_a_socket_will_do():
    root = Path(f"/tmp/quickshop-test-{os.getpid()}")
    long = root / ("long" * 20) / ("deep" * 20)
    try:
        with servers.start(long, durable=False) as urls:
            assert ask(urls.database, "SELECT 1") == (1,)
            assert urls.postgres.server.folder.is_relative_to(long)
    finally:
        shutil.rmtree(root, ignore_errors=True)
