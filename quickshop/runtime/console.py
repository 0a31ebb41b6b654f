"""What the person at the terminal sees: the important lines of every process, prefixed, and never a flood."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Mapping

from quickshop.runtime import log_lines

_COLOURS = {
    "web": 36, "relay": 35, "worker-a": 33, "worker-b": 33, "worker-n": 33, "gateway": 34,
    "postgres": 32, "valkey": 31, "quickshop": 1,
}  # fmt: skip
_IMPORTANT = re.compile(r"\b(WARNING|ERROR|CRITICAL|FATAL|PANIC)\b|Traceback", re.IGNORECASE)
# A server that is starting or stopping tells every early client so.
_ROUTINE = re.compile(
    r"the database system is (starting up|shutting down|not yet accepting|in recovery)|LOADING|Memory overcommit"
)
_LINES_A_SECOND = 20


class Console:
    """Prints lines as `name | text`, coloured on a terminal unless NO_COLOR is set."""

    def __init__(self, environ: Mapping[str, str], *, verbose: bool = False) -> None:
        self._colour = sys.stdout.isatty() and "NO_COLOR" not in environ
        self._verbose = verbose
        self._second = 0
        self._shown = 0

    def child_line(self, name: str, line: str) -> None:
        """Show a process's line when it matters (every line when verbose)."""
        told = log_lines.parse(line)
        important = told.important if told else bool(_IMPORTANT.search(line))
        if not self._verbose and (not important or _ROUTINE.search(line)):
            return
        line = told.readable if told else line
        now = int(time.monotonic())
        if now != self._second:
            self._second, self._shown = now, 0
        self._shown += 1
        if self._shown == _LINES_A_SECOND:
            line = "… more than can be shown; the rest is in the log"
        if self._shown <= _LINES_A_SECOND:
            self.say(line, name)

    def say(self, line: str, name: str = "quickshop") -> None:
        """Print a line; a closed terminal is no reason to stop the shop."""
        prefix = f"{name:<9} | "
        if self._colour:
            prefix = f"\x1b[{_COLOURS.get(name, 0)}m{prefix}\x1b[0m"
        self.plain(prefix + line)

    def plain(self, text: str) -> None:
        """Print text as it is."""
        try:
            print(text, flush=True)
        except OSError:
            # The reader of our output went away: go on without it, and without an error at exit.
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, sys.stdout.fileno())
            os.close(quiet)
