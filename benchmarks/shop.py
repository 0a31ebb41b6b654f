"""Finding the running shop, its database and its processes. Benchmarks may look inside; clients may not."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from quickshop.demo.replay.accounts import Session
from quickshop.demo.replay.client import Client
from quickshop.runtime.home import Home, chosen
from quickshop.runtime.shop import recorded_processes

START_SECONDS = 120
STOP_SECONDS = 30


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def a_shop() -> contextlib.AbstractContextManager[None]:
    """The shop that runs in QUICKSHOP_HOME, or one that is started for as long as this is open."""
    running = recorded_processes(chosen(os.environ))
    return contextlib.nullcontext() if running else own_shop()


@contextlib.contextmanager
def own_shop() -> Iterator[None]:
    """A shop in a folder of its own for as long as the benchmarks run; its settings are those of `make run`."""
    with tempfile.TemporaryDirectory(prefix="quickshop-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        os.environ |= {"QUICKSHOP_HOME": f"{folder}/home", "PORT": str(_free_port())}
        shop = subprocess.Popen([sys.executable, "-m", "quickshop", "run"], stdout=subprocess.DEVNULL)
        try:
            _wait_ready(shop, f"http://127.0.0.1:{os.environ['PORT']}/readyz")
            yield
        finally:
            shop.send_signal(signal.SIGTERM)
            shop.wait(STOP_SECONDS)


def _wait_ready(shop: subprocess.Popen[bytes], url: str) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and shop.poll() is None:
        with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=2) as answer:
            whole = not json.load(answer)["degraded"]  # every worker and the relay too, so that all are measured
            if whole and (Path(os.environ["QUICKSHOP_HOME"]) / "demo.json").exists():
                return
        time.sleep(0.2)
    raise SystemExit("The shop for the benchmarks did not start; try `make run` to see why.")


@dataclass(frozen=True)
class RunningShop:
    """A shop on this machine: where it listens, its staff account, its database, its processes by name."""

    url: str
    gateway_url: str
    admin: dict[str, str]
    database_url: str
    processes: dict[str, int]

    def staff_token(self) -> str:
        """An access token of the administrator, who signs in with two factors."""
        who = self.admin
        return Session(Client(self.url, 1), who["login"], who["password"], who.get("totp_secret")).token()


def find() -> RunningShop:
    """The shop of QUICKSHOP_HOME. Ends the program with a sentence where none runs."""
    home = Home(chosen(os.environ))
    try:
        demo = json.loads(home.demo.read_text())
        processes = recorded_processes(home.path)
        environ = dict(
            pair.split("=", 1)
            for pair in Path(f"/proc/{processes['web']}/environ").read_text().split("\0")
            if "=" in pair
        )
    except (OSError, KeyError, ValueError) as error:
        raise SystemExit(f"No running shop found in {home.path} ({error}); start one with `make run`.") from error
    return RunningShop(
        url=demo["base_url"],
        gateway_url=demo["gateway_url"],
        admin=demo["accounts"]["admin"],
        database_url=environ["DATABASE_URL"],
        processes=processes,
    )


@dataclass(frozen=True)
class Usage:
    """CPU seconds used so far and resident memory in bytes, of a process and all its children."""

    cpu: float
    memory: int


def usage(processes: dict[str, int]) -> dict[str, Usage]:
    """What each process of the shop has used, children included."""
    found = {}
    for name, pid in processes.items():
        try:
            process = psutil.Process(pid)
            family = [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            continue
        cpu, memory = 0.0, 0
        for member in family:
            try:
                times = member.cpu_times()
                cpu += times.user + times.system
                memory += member.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        found[name] = Usage(cpu, memory)
    return found
