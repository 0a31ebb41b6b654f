"""Finding the running shop, its database and its processes. Benchmarks may look inside; clients may not."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import psutil

from quickshop.demo.replay.accounts import Session
from quickshop.demo.replay.client import Client
from quickshop.runtime.home import Home, chosen
from quickshop.runtime.shop import recorded_processes


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
