"""The shop as `make run` starts it, servers and all, in one folder through kills, restarts and stops."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg2
import pytest

from quickshop.runtime import orphans, ports, readiness
from quickshop.runtime.processes import PROGRAMS
from quickshop.runtime.shop import recorded_processes
from tests.factories.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
EVERY_PROCESS = {program.name for program in PROGRAMS} | {"postgres", "valkey"}
NOT_INHERITED = ("DATABASE_URL", "REDIS_URL", "QUICKSHOP_ENV", "PUBLIC_URL")

pytestmark = [pytest.mark.faults, pytest.mark.timeout(480)]


class Embedded:
    """A shop with embedded servers in a folder of its own; `start` may be called again after each end."""

    def __init__(self, home):
        self.home = home
        self.port = ports.free_port()
        kept = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
        self.env = {**kept, "QUICKSHOP_HOME": str(home), "PORT": str(self.port)}
        self.process = None

    def command(self, **options):
        return {"args": [sys.executable, "-m", "quickshop", "run"], "cwd": ROOT, "env": self.env, **options}

    def start(self, within):
        """Start it; the seconds until it was ready, by its own word: orphans of a killed one may still answer."""
        began, before = time.monotonic(), self.times_ready()
        with (self.home / "output").open("ab") as output:
            self.process = subprocess.Popen(**self.command(stdout=output, stderr=output))
        ready = lambda: self.times_ready() > before and readiness.is_ready(self.port)  # noqa: E731
        eventually(lambda: ready() or self.process.poll() is not None, within=within)
        assert self.process.poll() is None, (self.home / "output").read_text()[-3000:]
        return time.monotonic() - began

    def times_ready(self):
        """How often it said that it is ready."""
        output = self.home / "output"
        return output.read_text().count("ready after") if output.exists() else 0

    def stop(self):
        """Stop it as SIGTERM does; the seconds it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0
        return time.monotonic() - began

    def processes(self):
        return recorded_processes(self.home)

    def left(self):
        """Processes that still name this folder in their environment or on their command line."""
        mark = os.fsencode(self.home)
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                said = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if mark in said and int(folder.name) != os.getpid() and orphans.start_time(int(folder.name)):
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" "))
        return found

    def run_sql(self, statement):
        connection = psycopg2.connect((self.home / "run" / "postgres-url").read_text())
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else None
        finally:
            connection.close()


@pytest.fixture(scope="module")
def shop():
    home = Path(tempfile.mkdtemp(prefix="quickshop-whole-"))
    home.chmod(0o755)
    embedded = Embedded(home)
    embedded.start(within=180)
    yield embedded
    if embedded.process.poll() is None:
        embedded.stop()
    orphans.end_left_behind(home / "run" / "processes.json", home / "postgres" / "data")
    shutil.rmtree(home)


def test_a_shop_goes_through_kills_restarts_and_stops_with_its_data(shop):
    everything_runs(shop)
    demo_file_tells_where_and_who(shop)
    a_second_start_is_refused(shop)
    whatever_is_killed_comes_back(shop)
    a_killed_supervisor_is_recovered_from(shop)
    a_stop_leaves_nothing_and_the_data_survive(shop)


def everything_runs(shop):
    eventually(lambda: set(shop.processes()) == EVERY_PROCESS, within=20)


def demo_file_tells_where_and_who(shop):
    demo = json.loads((shop.home / "demo.json").read_text())
    assert demo["base_url"] == f"http://127.0.0.1:{shop.port}"
    assert set(demo["accounts"]) == {"shopper", "vip", "staff", "admin"}
    assert all({"login", "password"} <= set(account) for account in demo["accounts"].values())
    assert demo["mail_url"].startswith(demo["gateway_url"])


def a_second_start_is_refused(shop):
    second = subprocess.run(**shop.command(capture_output=True, text=True, timeout=60))
    assert second.returncode != 0
    assert "already running on the folder" in second.stderr
    assert readiness.is_ready(shop.port)


def whatever_is_killed_comes_back(shop):
    before = shop.processes()
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)

    def all_anew():
        now = shop.processes()
        return set(now) == EVERY_PROCESS and not set(now.values()) & set(before.values())

    eventually(all_anew, within=90)
    eventually(lambda: readiness.is_ready(shop.port), within=90)
    assert shop.process.poll() is None


def a_killed_supervisor_is_recovered_from(shop):
    shop.run_sql("CREATE TABLE kept AS SELECT 42 AS value")
    shop.process.kill()
    shop.process.wait()
    shop.start(within=120)
    assert shop.run_sql("SELECT value FROM kept") == [(42,)]


def a_stop_leaves_nothing_and_the_data_survive(shop):
    assert shop.stop() < 15
    eventually(lambda: shop.left() == [], within=2)
    shop.start(within=120)
    assert shop.run_sql("SELECT value FROM kept") == [(42,)]
    assert shop.run_sql("SELECT count(*) > 50 FROM products") == [(True,)]
