"""Every way in which a start is refused: one sentence, nothing left running, no password shown."""

import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from quickshop.runtime import brokers, databases, development_secrets, home, ports, servers, system_user
from quickshop.runtime.failures import CannotStart

ROOT = Path(__file__).resolve().parents[2]
SECRET = "s3cret-word"


@pytest.fixture
def place(tmp_path):
    """A folder PostgreSQL's system user may enter: as root, pytest's own is private."""
    if os.geteuid() != 0:
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(prefix="quickshop-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def start(folder, prepare=None, **settings):
    kept = {
        name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL", "QUICKSHOP_ENV")
    }
    env = {**kept, "QUICKSHOP_HOME": str(folder), "PORT": str(ports.free_port()), **settings}
    return subprocess.run(
        [sys.executable, "-m", "quickshop", "run"],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=100, preexec_fn=prepare,
    )  # fmt: skip


def refused(result):
    """The sentence of a refused start."""
    assert result.returncode != 0
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("QuickShop cannot start: ")
    assert SECRET not in result.stderr + result.stdout
    return lines[0]


def test_a_second_start_on_the_same_folder(place):
    held = home.open_home(place / "home", embeds_database=True)
    try:
        assert "already running on the folder" in refused(start(place / "home"))
    finally:
        held.release()


def test_a_taken_port_even_when_its_holder_shares_it(place):
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"Port {port} on 127.0.0.1 is taken" in refused(start(place / "home", PORT=str(port)))


def test_two_shops_cannot_hold_one_port_but_sharing_workers_may_join():
    port = ports.free_port()
    with ports.hold_port("127.0.0.1", port):
        with pytest.raises(CannotStart, match="taken"):
            ports.hold_port("127.0.0.1", port)
        with socket.socket() as worker:
            worker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            worker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            worker.bind(("127.0.0.1", port))
            worker.listen()


@pytest.mark.parametrize("port", ["abc", "0", "70000", "-1"])
def test_a_port_that_is_none(place, port):
    assert "PORT must be a number" in refused(start(place / "home", PORT=port))


def test_a_full_disk(place):
    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    assert "is full, or files there may not grow" in refused(start(place / "home", prepare=small_files))


def test_too_little_space(place, monkeypatch):
    class Room:
        f_bavail, f_frsize = 10, 1024 * 1024

    monkeypatch.setattr("quickshop.runtime.home.os.statvfs", lambda _: Room)
    with pytest.raises(CannotStart, match="is full: 10 MiB are free"):
        home.open_home(place / "home", embeds_database=True)


def test_a_file_where_the_folder_should_be(place):
    (place / "home").write_text("")
    assert "is not a folder" in refused(start(place / "home"))


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone runs PostgreSQL as another user")
def test_as_root_a_private_folder_above_keeps_its_permissions(tmp_path):
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    before = [(folder, folder.stat().st_mode) for folder in (private, *private.parents)]
    assert "may not enter" in refused(start(private / "home"))
    assert [(folder, folder.stat().st_mode) for folder in (private, *private.parents)] == before
    assert not (private / "home").exists()


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://me:{SECRET}@127.0.0.1:1/shop",
        f"postgresql://me:{SECRET}@127.0.0.1:99x/shop",
        f"postgresql://me:{SECRET}@127.0.0.1/shop?nosuchoption={SECRET}",
        f"postgresql://me:{SECRET} x@127.0.0.1:1/shop",
        f"mysql://me:{SECRET}@127.0.0.1/shop",
        f"me:{SECRET}",
    ],
)
def test_a_broken_database_address(place, url):
    assert "DATABASE_URL" in refused(start(place / "home", DATABASE_URL=url))


def test_a_database_that_never_answers_is_given_up_within_seconds():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(CannotStart, match="cannot be used"):
            databases.refuse_unusable(f"postgresql://me:{SECRET}@127.0.0.1:{silent.getsockname()[1]}/shop")


def test_a_broken_broker_address(place):
    assert "REDIS_URL" in refused(start(place / "home", REDIS_URL="memory://"))
    brokers.refuse_malformed("redis://:word@127.0.0.1:6379/0")
    assert not brokers.answers("redis://127.0.0.1:1/0")


@pytest.mark.parametrize("setting", ["WEB_WORKERS", "WORKER_B_SLOTS"])
def test_a_number_of_processes_that_is_none(place, setting):
    assert f"{setting} must be a number from 1 to 64" in refused(start(place / "home", **{setting: "many"}))


def test_more_connections_than_the_server_takes(place):
    with servers.start(durable=False) as running:
        url = {"DATABASE_URL": running.database, "REDIS_URL": running.redis}
        assert "room for 185" in refused(start(place / "home", WEB_WORKERS="20", **url))


def test_production_without_secrets_starts_nothing(place):
    assert "SECRET_KEY is not set" in refused(start(place / "home", QUICKSHOP_ENV="production"))
    assert not (place / "home" / "postgres" / "data").exists()


def test_development_secrets_are_made_once_for_their_owner_only(tmp_path):
    path = tmp_path / "secrets.json"
    first = development_secrets.load_or_make(path)
    assert development_secrets.load_or_make(path) == first
    assert path.stat().st_mode & 0o777 == 0o600
    assert set(first) == {"SECRET_KEY", "MASTER_KEYS", "INDEX_KEY", "GATEWAY_WEBHOOK_SECRET"}


def test_damaged_secrets_are_not_replaced(tmp_path):
    path = tmp_path / "secrets.json"
    path.write_text("{")
    with pytest.raises(CannotStart, match="is damaged"):
        development_secrets.load_or_make(path)
    assert path.read_text() == "{"


def test_the_default_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert home.chosen({}) == tmp_path / ".quickshop"
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert home.chosen({}) == Path("/var/lib/quickshop")
    assert home.chosen({"QUICKSHOP_HOME": "here"}) == tmp_path / "here"


def test_an_ordinary_user_runs_postgresql_as_himself(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert system_user.for_postgres() is None
