"""Processes that an earlier run of the same folder left behind: recorded while it runs, ended by the next start."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

# In the environment of every child: one random word per run, so that even its grandchildren are known for sure.
MARK = "QUICKSHOP_RUN"


@dataclass(frozen=True)
class Recorded:
    """A process of some run: its number alone may have been given to another since."""

    name: str
    pid: int
    started: int
    stop_signal: int


def record(path: Path, run: str, processes: Iterable[tuple[str, int, int]]) -> None:
    """Write down which (name, pid, stop signal) run now. A full disk only loses the note."""
    noted = [
        asdict(Recorded(name, pid, started, stop))
        for name, pid, stop in processes
        if (started := start_time(pid)) is not None
    ]
    partial = path.with_suffix(".partial")
    with contextlib.suppress(OSError):
        partial.write_text(json.dumps({"boot": _boot(), "run": run, "processes": noted}))
        partial.replace(path)


def end_left_behind(path: Path, cluster: Path, *, seconds: float = 8) -> list[str]:
    """End what an earlier run recorded in `path` left running; the names of what was found.

    Each gets its own stop signal first. Call it with the folder's lock held.
    """
    run, recorded = _read(path)
    found = {process.pid: process for process in recorded if start_time(process.pid) == process.started}
    postmaster = _postmaster(cluster)
    if postmaster and postmaster not in found:
        found[postmaster] = Recorded("postgres", postmaster, start_time(postmaster) or 0, signal.SIGINT)
    for process in found.values():
        _send(process.pid, process.stop_signal)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(start_time(p.pid) == p.started for p in found.values()):
        time.sleep(0.05)
    for process in found.values():
        if start_time(process.pid) == process.started:
            _send(process.pid, signal.SIGKILL)
    marked = end_marked(run) if run else 0
    if not _postmaster(cluster):
        _forget_postmaster(cluster)
    path.unlink(missing_ok=True)
    return sorted({process.name for process in found.values()} | ({"children"} if marked else set()))


def end_marked(run: str) -> int:
    """Kill every process that carries the mark of `run`; how many there were."""
    mark = f"{MARK}={run}".encode()
    ended = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int(folder.name) != os.getpid() and mark in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(int(folder.name), signal.SIGKILL)
                ended += 1
    return ended


def start_time(pid: int) -> int | None:
    """When the process started, in clock ticks since the machine did; None when it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def _read(path: Path) -> tuple[str, list[Recorded]]:
    try:
        noted = json.loads(path.read_text())
        if noted["boot"] != _boot():
            return "", []
        return str(noted["run"]), [Recorded(**process) for process in noted["processes"]]
    except (OSError, ValueError, KeyError, TypeError):
        return "", []


def _postmaster(cluster: Path) -> int | None:
    """The process that serves this cluster now, by the cluster's own note and the process's command line."""
    try:
        pid = int((cluster / "postmaster.pid").read_text().splitlines()[0])
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError, IndexError):
        return None
    serves = words[0].endswith(b"postgres") and os.fsencode(cluster) in words
    return pid if serves and start_time(pid) is not None else None


def _forget_postmaster(cluster: Path) -> None:
    # Its process number may belong to a stranger or to an unburied process by now; then no server would start.
    (cluster / "postmaster.pid").unlink(missing_ok=True)
    for left in (cluster.parent / "socket").glob(".s.PGSQL.*"):
        left.unlink(missing_ok=True)


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _send(pid: int, signum: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signum)
