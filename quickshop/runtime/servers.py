"""A throw-away PostgreSQL and Valkey for tests and tools: `with servers.start() as urls: urls.database, urls.redis`."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from quickshop.runtime import spawning, system_user
from quickshop.runtime.failures import CannotStart
from quickshop.runtime.postgres import Postgres
from quickshop.runtime.valkey import Valkey

_LINES_OF_LOG_SHOWN = 15


class Server(Protocol):
    """What Postgres and Valkey have in common for whoever runs them."""

    folder: Path
    user: system_user.SystemUser | None
    stop_signal: spawning.signal.Signals

    def prepare(self) -> None: ...
    def command(self) -> list[str]: ...
    def wait_until_ready(self, has_ended: spawning.Callable[[], bool], *, seconds: float = 60) -> bool: ...
    def set_up(self) -> None: ...
    def close(self) -> None: ...


@dataclass
class Running:
    """A server with its process. Tests of outages stop, kill and start it; its URL stays the same."""

    server: Server
    log: Path
    process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        """Start the process and wait until it answers. Raises CannotStart with the end of its log."""
        self.server.prepare()
        with self.log.open("ab") as output:
            self.process = spawning.spawn(
                self.server.command(),
                cwd=Path("/"),
                env=_environment(),
                output=output,
                stop_signal=self.server.stop_signal,
                user=self.server.user,
            )
        process = self.process
        if not self.server.wait_until_ready(lambda: process.poll() is not None):
            self.kill()
            tail = self.log.read_text(errors="replace").splitlines()[-_LINES_OF_LOG_SHOWN:]
            raise CannotStart(f"{self.server.command()[0]} did not start:\n" + "\n".join(tail))
        self.server.set_up()

    def stop(self) -> None:
        """Stop it in good order."""
        if self.process:
            spawning.end(self.process, self.server.stop_signal, seconds=20)

    def kill(self) -> None:
        """End it and its children at once, as a crash would."""
        if self.process:
            spawning.kill_group(self.process)
            self.process.wait()


@dataclass(frozen=True)
class Servers:
    """The running pair and how to reach it."""

    database: str
    redis: str
    postgres: Running
    valkey: Running


@contextlib.contextmanager
def start(folder: Path | None = None, *, durable: bool = True) -> Iterator[Servers]:
    """Run a new PostgreSQL and Valkey on loopback ports until the block ends.

    They live in `folder`, or in a temporary folder where none is given or where PostgreSQL's system user may
    not enter it (as root, below a private folder such as pytest's). `durable=False` turns fsync off.
    The role in `Servers.database` may create further databases. Call it from a thread that outlives the block.
    """
    with contextlib.ExitStack() as stack:
        place = _place(folder, stack)
        for name in ("postgres", "valkey"):
            (place / name).mkdir(mode=0o755, exist_ok=True)
        database = Postgres(place / "postgres", durable=durable, tcp=True)
        broker = Valkey(place / "valkey", durable=durable)
        running = [_run(database, place / "postgres.log", stack), _run(broker, place / "valkey.log", stack)]
        yield Servers(database.url(), broker.url(), *running)


def _place(folder: Path | None, stack: contextlib.ExitStack) -> Path:
    user = system_user.for_postgres()
    if folder is not None:
        folder = Path(folder).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        if user is None or user.may("x", folder):
            return folder
    place = Path(tempfile.mkdtemp(prefix="quickshop-"))
    stack.callback(shutil.rmtree, place, ignore_errors=True)
    if user:
        place.chmod(0o711)
    return place


def _run(server: Server, log: Path, stack: contextlib.ExitStack) -> Running:
    running = Running(server, log)
    stack.callback(server.close)
    stack.callback(running.stop)
    running.start()
    return running


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}
