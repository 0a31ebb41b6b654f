"""One child of the supervisor: starting it, its output line by line, and when to start it again."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from quickshop.runtime import log_lines, spawning
from quickshop.runtime.logs import LogFile
from quickshop.runtime.system_user import SystemUser

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0
_STEADY_AFTER = 10.0
_LONGEST_LINE = 64 * 1024


@dataclass
class Child:
    """A program to keep running (`restarts`), or to run once. `prepare` runs before every start."""

    name: str
    command: list[str]
    cwd: Path
    env: Mapping[str, str]
    log: LogFile
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 5
    restarts: bool = True
    user: SystemUser | None = None
    prepare: Callable[[], None] | None = None

    process: subprocess.Popen[bytes] | None = None
    output: int = -1
    started_at: float = 0
    due_at: float | None = None
    exit_code: int | None = None
    deaths: int = 0
    _pause: float = field(default=_FIRST_PAUSE)
    _rest: bytes = b""

    @property
    def running(self) -> bool:
        """Whether its process was started and has not been seen to end."""
        return self.process is not None

    @property
    def uptime(self) -> float:
        """Seconds since its process was started."""
        return time.monotonic() - self.started_at

    def start(self) -> None:
        """Start the process. Raises OSError or CannotStart when it cannot be."""
        self.due_at = None
        if self.prepare:
            self.prepare()
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        try:
            self.process = spawning.spawn(
                self.command, cwd=self.cwd, env=self.env, output=writing, stop_signal=self.stop_signal, user=self.user
            )
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        self.output = reading
        self.exit_code = None
        self.started_at = time.monotonic()

    def read(self) -> list[str]:
        """The whole lines that have come since the last call, also written to the log."""
        return self._lines(self._receive())

    def read_rest(self) -> list[str]:
        """What is still to be read of a process that has ended, its unfinished last line included."""
        lines: list[str] = []
        while data := self._receive():
            lines += self._lines(data)
        return lines + (self._lines(b"\n") if self._rest else [])

    def _receive(self) -> bytes:
        try:
            data = os.read(self.output, 65536)
        except OSError:
            return b""
        self.log.write(data)
        return data

    def _lines(self, data: bytes) -> list[str]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _LONGEST_LINE:
            lines.append(self._rest)
            self._rest = b""
        return [line.decode(errors="replace").rstrip() for line in lines]

    def ended(self) -> bool:
        """Whether the process has ended since the last call; then its exit code is known and its group gone."""
        if self.process is None or self.process.poll() is None:
            return False
        spawning.kill_group(self.process)
        self.exit_code = self.process.returncode
        self.process = None
        self.deaths += 1
        return True

    def close_output(self) -> None:
        """Let go of the output pipe."""
        if self.output >= 0:
            os.close(self.output)
            self.output = -1

    def restart_later(self) -> float:
        """Set the time of the next start: soon at first, up to 5 s apart for one that keeps ending."""
        if self.uptime > _STEADY_AFTER:
            self._pause = _FIRST_PAUSE
        pause = self._pause
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        self.due_at = time.monotonic() + pause
        return pause

    def ask_to_stop(self) -> None:
        """Send the stop signal."""
        if self.process:
            spawning.signal_process(self.process, self.stop_signal)

    def kill(self) -> None:
        """End the process and its group at once."""
        if self.process:
            spawning.kill_group(self.process)

    def said_last(self, lines: int = 1) -> str:
        """The end of its log, for a sentence about why it failed."""
        tail = [log_lines.readable(line).strip() for line in self.log.tail(lines)]
        return " / ".join(line for line in tail if line) or "it said nothing"
