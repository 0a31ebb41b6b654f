"""Starting and ending child programs: own session, tied to the life of the program that started them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from quickshop.runtime.system_user import SystemUser

_PR_SET_PDEATHSIG = 1
# Loaded before any fork: between fork and exec nothing may be imported.
_LIBC = ctypes.CDLL(None, use_errno=True)


def spawn(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    output: int | IO[bytes],
    stop_signal: signal.Signals = signal.SIGTERM,
    user: SystemUser | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own with its output going to `output`.

    The kernel sends it `stop_signal` when the calling thread ends, however that comes about, so a killed
    supervisor leaves nothing behind. Call it from a thread that lives as long as the child should.
    """
    credentials = user.credentials() if user else {}
    return subprocess.Popen(  # noqa: S603 (a fixed program, no shell)
        list(command),
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=_follow_parent(stop_signal, os.getpid()),
        **credentials,
    )


def signal_process(process: subprocess.Popen[bytes], signum: int) -> None:
    """Send `signum` to the child itself; a child that has ended is no error."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signum)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End the child and everything in its session's process group, at once."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def end(process: subprocess.Popen[bytes], stop_signal: signal.Signals, *, seconds: float) -> None:
    """Ask the child to stop, wait up to `seconds`, then kill what is left of it."""
    if process.poll() is None:
        signal_process(process, stop_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    kill_group(process)
    process.wait()


def _follow_parent(stop_signal: signal.Signals, parent: int) -> Callable[[], None]:
    def in_child() -> None:
        # After the change of user, which would clear it.
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return in_child
