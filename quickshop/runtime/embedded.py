"""The embedded servers as children of the supervisor: started together, set up, addressed, closed."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

from quickshop.runtime import orphans
from quickshop.runtime.children import Child
from quickshop.runtime.failures import CannotStart
from quickshop.runtime.home import Home
from quickshop.runtime.postgres import Postgres
from quickshop.runtime.supervisor import Supervisor
from quickshop.runtime.valkey import Valkey

NAMES = ("postgres", "valkey")
# Recovery after a crash can take a while.
_READY_WITHIN = 120


class EmbeddedServers:
    """PostgreSQL and Valkey where no address of others was given."""

    def __init__(self) -> None:
        self._running: list[Postgres | Valkey] = []

    def start(self, supervisor: Supervisor, home: Home, env: Mapping[str, str]) -> dict[str, str]:
        """Start what `env` gives no address of, both at once; the addresses by their settings' names.

        Raises CannotStart when a server cannot be made or does not answer.
        """
        wanted: dict[str, tuple[str, Postgres | Valkey]] = {}
        if not env.get("DATABASE_URL"):
            wanted["DATABASE_URL"] = ("postgres", Postgres(home.postgres))
            if not (home.postgres / "data" / "PG_VERSION").exists():
                supervisor.log("making a new database; this takes some seconds, once")
        if not env.get("REDIS_URL"):
            wanted["REDIS_URL"] = ("valkey", Valkey(home.valkey))
        for name, server in wanted.values():
            self._running.append(server)
            server.prepare()
            supervisor.start(_child(name, server, home, env))
        for name, server in wanted.values():
            _wait(name, server, supervisor)
            server.set_up()
            _note_address(home.state / f"{name}-url", server.url())
        return {setting: server.url() for setting, (_, server) in wanted.items()}

    def close(self) -> None:
        """Remove what lies outside the folder. The processes must have ended."""
        for server in self._running:
            server.close()


def _child(name: str, server: Postgres | Valkey, home: Home, env: Mapping[str, str]) -> Child:
    return Child(
        name,
        server.command(),
        cwd=Path("/"),
        env={
            "PATH": "/usr/bin:/bin",
            "LC_ALL": "C",
            "TZ": "UTC",
            "QUICKSHOP_HOME": str(home.path),
            orphans.MARK: env[orphans.MARK],
        },
        log=home.log(name),
        stop_signal=server.stop_signal,
        grace=10,
        user=server.user,
        prepare=server.prepare,
    )


def _wait(name: str, server: Postgres | Valkey, supervisor: Supervisor) -> None:
    # A server that keeps ending will not come.
    supervisor.wait_for(lambda: server.answers() or not supervisor.steady(name), seconds=_READY_WITHIN, every=0.02)
    if not supervisor.steady(name) or not server.answers():
        child = supervisor.children[name]
        raise CannotStart(f"The embedded {name} does not start: {child.said_last()} (see {child.log.path}).")


def _note_address(note: Path, url: str) -> None:
    """Leave an address for tools; it may hold a password, so for its owner only."""
    with contextlib.suppress(OSError):
        note.touch(mode=0o600)
        note.write_text(url)
