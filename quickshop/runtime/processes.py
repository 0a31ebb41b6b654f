"""The shop's processes in one list: the supervisor runs it, compose.yml repeats it, a test compares the two."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass

from quickshop.runtime.failures import CannotStart

# What an operator may set, with the value for two cores. Group B keeps a quarter of the order slots or more.
DEFAULTS = {
    "WEB_HOST": "127.0.0.1",
    "PORT": "8000",
    "WEB_WORKERS": "2",
    "WORKER_A_SLOTS": "3",
    "WORKER_B_SLOTS": "1",
    "WORKER_N_SLOTS": "1",
}

_MOST = 64
_WEB_OVERFLOW = 5
_PER_SLOT = 3
_RELAY_AND_TOOLS = 8


@dataclass(frozen=True)
class Program:
    """One long-running process. `arguments` may name settings in braces; `grace` is in seconds."""

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    grace: float = 5
    queues: tuple[str, ...] = ()
    development_only: bool = False
    stop_signal: signal.Signals = signal.SIGTERM

    def command(self, python: str, settings: Mapping[str, str]) -> list[str]:
        """The command line; the module is run by `python`, for the scripts beside it break on long paths."""
        values = {**DEFAULTS, **settings}
        return [python, "-m", self.module, *(argument.format_map(values) for argument in self.arguments)]


def _worker(group: str, *queues: str) -> Program:
    letter = group.upper()
    arguments = (
        "-A", "tasks.worker", "worker", "-Q", ",".join(queues), "-n", f"worker-{group}@%h",
        "--concurrency", f"{{WORKER_{letter}_SLOTS}}", "--loglevel", "WARNING",
        "--without-gossip", "--without-mingle", "--without-heartbeat",
    )  # fmt: skip
    return Program(f"worker-{group}", "celery", arguments, grace=12, queues=queues)


PROGRAMS = (
    Program("web", "gunicorn", ("-c", "gunicorn.conf.py", "wsgi:app"), grace=7),
    Program("relay", "tasks.relay"),
    _worker("a", "orders.vip", "orders.high", "orders.standard"),
    _worker("b", "orders.standard", "orders.high", "orders.vip"),
    _worker("n", "notify", "system"),
    Program(
        "gateway", "gunicorn", ("-c", "python:quickshop.runtime.doubles.gunicorn_conf"), grace=3, development_only=True
    ),
)


def connections_needed(settings: Mapping[str, str], pool_size: int) -> int:
    """Database connections all processes may hold together; the pools are `quickshop.factory`'s.

    Raises CannotStart when a number of processes is none.
    """
    web = _count(settings, "WEB_WORKERS") * (pool_size + _WEB_OVERFLOW)
    slots = sum(_count(settings, name) for name in ("WORKER_A_SLOTS", "WORKER_B_SLOTS", "WORKER_N_SLOTS"))
    return web + slots * _PER_SLOT + _RELAY_AND_TOOLS


def _count(settings: Mapping[str, str], name: str) -> int:
    value = settings.get(name) or DEFAULTS[name]
    if not value.isdecimal() or not 1 <= int(value) <= _MOST:
        raise CannotStart(f"{name} must be a number from 1 to {_MOST}, not {value!r}.")
    return int(value)


def queues() -> set[str]:
    """Every Celery queue that some process consumes."""
    return {queue for program in PROGRAMS for queue in program.queues}
