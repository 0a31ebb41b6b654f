"""Keeps a set of child processes running: reads what they say, starts again what dies, stops all of it on a signal.

One thread and one loop. What is started, and in which order, is `shop`'s business."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from quickshop.runtime import orphans
from quickshop.runtime.children import Child
from quickshop.runtime.console import Console
from quickshop.runtime.failures import CannotStart
from quickshop.runtime.logs import LogFile

_TICK = 0.5
# One Ctrl-C reaches us from the terminal and again from make: only a later one means "at once".
_SAME_KEYSTROKE = 1.0
# All is over by this many seconds after the signal, whatever the children do.
_STOP_WITHIN = 14.0
_SERVERS_NEED = 2.5
_DEATHS_BEFORE_READY = 3


class StopRequested(Exception):
    """A signal asked the supervisor to stop while it was starting something."""


class Supervisor:
    """The loop. Use it as: start children, `wait_for` what they promise, then `run`, and `stop` in the end."""

    def __init__(self, console: Console, record: Path, own_log: LogFile, run: str) -> None:
        self.console = console
        self.children: dict[str, Child] = {}
        self.stop_requested_at: float | None = None
        self._record = record
        self._own_log = own_log
        self._run = run
        self._at_once = False
        self._selector = selectors.DefaultSelector()
        self._wake, self._waker = socket.socketpair()
        self._wake.setblocking(False)
        self._waker.setblocking(False)
        self._selector.register(self._wake, selectors.EVENT_READ, None)

    # --- signals ---

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        """Take over the process's signals for the length of the block."""
        handlers = dict.fromkeys((signal.SIGTERM, signal.SIGINT, signal.SIGHUP), self._on_stop)
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        fd = signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(fd)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_stop(self, signum: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.stop_requested_at is None:
            self.stop_requested_at = now
        elif signum == signal.SIGINT and now - self.stop_requested_at > _SAME_KEYSTROKE:
            self._at_once = True

    # --- children ---

    def start(self, child: Child) -> None:
        """Start `child` and keep it running if it is of that kind."""
        self.children[child.name] = child
        self._launch(child)
        self._note_processes()

    def run_once(self, child: Child, *, seconds: float) -> None:
        """Run `child` to its end. Raises CannotStart, with the last it said, unless it ends with 0 in time."""
        self.start(child)
        self.wait_for(lambda: not child.running, seconds=seconds)
        if child.running:
            child.kill()
            raise CannotStart(f"'{child.name}' did not end within {seconds:.0f} s; see {child.log.path}.")
        del self.children[child.name]
        if child.exit_code != 0:
            raise CannotStart(f"'{child.name}' failed: {child.said_last()} (all of it is in {child.log.path}).")

    def wait_for(self, condition: Callable[[], bool], *, seconds: float, every: float = 0.05) -> bool:
        """Serve the children until `condition` holds or the time is over; whether it holds.

        Raises StopRequested when a signal comes first.
        """
        deadline = time.monotonic() + seconds
        while True:
            if self.stop_requested_at is not None:
                raise StopRequested
            if condition():
                return True
            if time.monotonic() > deadline:
                return False
            self._serve(every)

    def steady(self, name: str) -> bool:
        """Whether a child has not died over and over since it was first started."""
        return self.children[name].deaths < _DEATHS_BEFORE_READY

    def run(self, every_tick: Callable[[], None]) -> None:
        """Serve the children until a signal asks to stop; `every_tick` is called twice a second."""
        due = 0.0
        while self.stop_requested_at is None:
            self._serve(_TICK)
            if time.monotonic() >= due:
                every_tick()
                due = time.monotonic() + _TICK

    def restart(self, name: str, why: str) -> None:
        """End a child at once; the loop starts it again."""
        self.log(f"restarting {name}: {why}")
        self.children[name].kill()

    def log(self, line: str, *, show: bool = True) -> None:
        """Say a line on the terminal and in supervisor.log."""
        self._own_log.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {line}\n".encode())
        if show:
            self.console.say(line)

    # --- the end ---

    def stop(self, servers: tuple[str, ...]) -> None:
        """Stop every child: the shop's processes first, then `servers`, which they still write to.

        Each gets its stop signal and its time of grace, then is killed; all is over in 15 s. With a second
        Ctrl-C the rest is killed at once.
        """
        began = time.monotonic()
        for child in self.children.values():
            child.restarts = False
            child.due_at = None
        programs = [child for child in self.children.values() if child.name not in servers]
        self._end(programs, began, _STOP_WITHIN - _SERVERS_NEED)
        self._end([self.children[name] for name in servers if name in self.children], began, _STOP_WITHIN)
        orphans.end_marked(self._run)
        self._record.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of pipes and logs."""
        for child in self.children.values():
            child.close_output()
            child.log.close()
        self._selector.close()
        self._wake.close()
        self._waker.close()
        self._own_log.close()

    def _end(self, children: list[Child], began: float, latest: float) -> None:
        asked = time.monotonic()
        for child in children:
            child.ask_to_stop()
        patient = {child.name for child in children}
        while left := [child for child in children if child.running]:
            now = time.monotonic()
            for child in left:
                over = self._at_once or now - began > latest or now - asked > child.grace
                if over and child.name in patient:
                    patient.discard(child.name)
                    self.log(f"{child.name} did not stop in time and is killed", show=not self._at_once)
                    child.kill()
            self._serve(0.05)

    # --- one turn of the loop ---

    def _serve(self, seconds: float) -> None:
        """Wait up to `seconds` for something to happen, and deal with all that has."""
        due = [child.due_at for child in self.children.values() if child.due_at is not None]
        if due:
            seconds = max(0.0, min(seconds, min(due) - time.monotonic()))
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    self._wake.recv(4096)
            else:
                self._show(key.data)
        changed = False
        for child in list(self.children.values()):
            changed |= self._bury(child) or self._start_again(child)
        if changed:
            self._note_processes()

    def _show(self, child: Child) -> None:
        for line in child.read():
            self.console.child_line(child.name, line)

    def _bury(self, child: Child) -> bool:
        if not child.ended():
            return False
        uptime = child.uptime
        for line in child.read_rest():
            self.console.child_line(child.name, line)
        self._selector.unregister(child.output)
        child.close_output()
        if child.restarts:
            pause = child.restart_later()
            how = f"exit {child.exit_code}" if (child.exit_code or 0) >= 0 else f"signal {-(child.exit_code or 0)}"
            self.log(f"{child.name} ended ({how}) after {uptime:.0f} s; starting it again in {pause:.1f} s")
        return True

    def _start_again(self, child: Child) -> bool:
        if child.due_at is None or child.due_at > time.monotonic():
            return False
        try:
            self._launch(child)
        except (OSError, CannotStart) as error:
            pause = child.restart_later()
            self.log(f"{child.name} could not be started ({error}); trying again in {pause:.1f} s")
            return False
        return True

    def _launch(self, child: Child) -> None:
        child.start()
        self._selector.register(child.output, selectors.EVENT_READ, child)
        self.log(f"{child.name} started, process {child.process.pid if child.process else '?'}", show=False)

    def _note_processes(self) -> None:
        running = ((c.name, c.process.pid, int(c.stop_signal)) for c in self.children.values() if c.process)
        orphans.record(self._record, self._run, running)


def new_run() -> str:
    """A word that marks the processes of this run."""
    return os.urandom(12).hex()
