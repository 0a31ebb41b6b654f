"""A whole shop as a child process, for tests and tools that break it on purpose: `with shops.run() as shop: ...`."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quickshop.runtime import orphans, ports, readiness, spawning, system_user
from quickshop.runtime.failures import CannotStart
from quickshop.runtime.shop import ROOT, recorded_processes

# Settings of whoever starts the shop that must not leak into it.
_NOT_INHERITED = ("DATABASE_URL", "REDIS_URL", "QUICKSHOP_ENV", "PUBLIC_URL", "GATEWAY_URL", "GATEWAY_PORT")
_STOP_SECONDS = 20


@dataclass
class RunningShop:
    """A shop under its own supervisor. Its processes have the names of `processes.PROGRAMS`, `postgres`, `valkey`."""

    home: Path
    port: int
    process: subprocess.Popen[bytes]
    output: Path

    @property
    def base_url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def demo(self) -> dict[str, Any]:
        """Its demo.json."""
        document: dict[str, Any] = json.loads((self.home / "demo.json").read_text())
        return document

    @property
    def database_url(self) -> str:
        """The embedded database, for those who look behind the shop's back."""
        return (self.home / "run" / "postgres-url").read_text()

    @property
    def redis_url(self) -> str:
        """The embedded broker."""
        return (self.home / "run" / "valkey-url").read_text()

    def pid(self, name: str) -> int:
        """The process of that name now. Raises KeyError while there is none."""
        return recorded_processes(self.home)[name]

    def send(self, name: str, signum: int = signal.SIGKILL) -> int:
        """Signal a process; the number of the process that got it."""
        pid = self.pid(name)
        os.kill(pid, signum)
        return pid

    def is_ready(self) -> bool:
        """Whether /readyz answers 200."""
        return readiness.is_ready(self.port)

    def wait_until_ready(self, *, seconds: float = 60) -> None:
        """Wait for /readyz. Raises CannotStart with what the supervisor said."""
        deadline = time.monotonic() + seconds
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise CannotStart(f"The shop did not become ready:\n{self.output.read_text(errors='replace')[-3000:]}")
            time.sleep(0.1)

    def stop(self) -> float:
        """Stop it as Ctrl-C would; the seconds it took."""
        began = time.monotonic()
        spawning.end(self.process, signal.SIGTERM, seconds=_STOP_SECONDS)
        return time.monotonic() - began


@contextlib.contextmanager
def run(
    home: Path | None = None, *, port: int | None = None, env: Mapping[str, str] | None = None
) -> Iterator[RunningShop]:
    """Start a shop, wait until it is ready, and stop it with the block.

    Without `home` it lives in a folder that goes with it. As root, a home below a private folder (such as
    pytest's) is refused by the shop; leave it out then. Call it from a thread that outlives the block.
    """
    with contextlib.ExitStack() as stack:
        place = home or _temporary(stack)
        place.mkdir(parents=True, exist_ok=True)
        shop = start(place, port=port, env=env)
        stack.callback(_end, shop)
        shop.wait_until_ready(seconds=120)
        yield shop


def start(home: Path, *, port: int | None = None, env: Mapping[str, str] | None = None) -> RunningShop:
    """Start a shop without waiting for it."""
    port = port or ports.free_port()
    output = home / "output.log"
    inherited = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    environment = {**inherited, **(env or {}), "QUICKSHOP_HOME": str(home), "PORT": str(port)}
    with output.open("ab") as file:
        process = spawning.spawn(
            [sys.executable, "-m", "quickshop", "run", "--verbose"], cwd=ROOT, env=environment, output=file
        )
    return RunningShop(home, port, process, output)


def _end(shop: RunningShop) -> None:
    shop.stop()
    orphans.end_left_behind(shop.home / "run" / "processes.json", shop.home / "postgres" / "data", seconds=5)


def _temporary(stack: contextlib.ExitStack) -> Path:
    place = Path(tempfile.mkdtemp(prefix="quickshop-shop-"))
    stack.callback(shutil.rmtree, place, ignore_errors=True)
    if system_user.for_postgres():
        place.chmod(0o711)
    return place
