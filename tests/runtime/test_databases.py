"""What the supervisor asks a database, and the migrate command, on a real one."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg2
import pytest

from quickshop.runtime import databases, servers

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ROOT / "migrations" / "versions"


@pytest.fixture(scope="module")
def url():
    with servers.start(durable=False) as running:
        yield running.database


def execute(url, *statements):
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.close()


def test_the_newest_revision_is_the_one_nothing_follows(tmp_path):
    (tmp_path / "0001_a.py").write_text("revision = '0001'\ndown_revision = None\n")
    (tmp_path / "0002_b.py").write_text("revision: str = '0002'\ndown_revision: str | None = '0001'\n")
    assert databases.newest_revision(tmp_path) == "0002"
    (tmp_path / "0003_c.py").write_text("revision = '0003'\ndown_revision = '0001'\n")
    assert databases.newest_revision(tmp_path) is None


def test_migrate_brings_an_empty_database_to_the_newest_revision_and_may_run_again(url):
    assert databases.revision(url) is None
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-m", "quickshop", "migrate"],
            cwd=ROOT, env={**os.environ, "DATABASE_URL": url}, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert databases.revision(url) == databases.newest_revision(VERSIONS)
    for word in done.stdout.split():
        assert url.split(":")[2].split("@")[0] not in word


def test_another_database_of_the_same_name_is_another(url):
    execute(url, "CREATE DATABASE twin")
    twin = url.rpartition("/")[0] + "/twin"
    first = databases.identity(twin)
    assert databases.identity(twin) == first
    execute(url, "DROP DATABASE twin", "CREATE DATABASE twin")
    assert databases.identity(twin) != first


def test_a_worker_is_suspected_only_when_the_relay_lives_and_all_its_queues_are_stale(url):
    execute(url, "CREATE DATABASE canaries")
    here = url.rpartition("/")[0] + "/canaries"
    execute(
        here,
        "CREATE TABLE worker_canaries (queue text PRIMARY KEY, seen_at timestamptz)",
        "CREATE TABLE relay_beats (name text PRIMARY KEY, seen_at timestamptz)",
        "INSERT INTO worker_canaries VALUES ('a', now() - interval '1 minute'), ('b', now())",
    )
    assert not databases.unserved(here, ("a",), seconds=45)
    execute(here, "INSERT INTO relay_beats VALUES ('relay', now())")
    assert databases.unserved(here, ("a",), seconds=45)
    assert not databases.unserved(here, ("a", "b"), seconds=45)
    assert not databases.unserved(here, ("never",), seconds=45)
