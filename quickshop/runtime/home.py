"""The shop's folder: where it is, who uses it now, whether it can be written, and the names of things in it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from quickshop.runtime import system_user
from quickshop.runtime.failures import CannotStart
from quickshop.runtime.logs import LogFile

_ROOTS_HOME = Path("/var/lib/quickshop")
_MIB = 1024 * 1024
# A new cluster takes about 50 MiB and its log 80 more; an old one needs room to recover in.
_ROOM_FOR_NEW = 256 * _MIB
_ROOM_TO_RUN = 48 * _MIB
# PostgreSQL writes its log in files of this size.
_LARGEST_FILE = 16 * _MIB


@dataclass
class Home:
    """The folder of one shop. Open it with `open_home`; it is locked until `release`."""

    path: Path
    _lock: IO[str] | None = field(default=None, repr=False)

    @property
    def postgres(self) -> Path:
        """The embedded database."""
        return self.path / "postgres"

    @property
    def valkey(self) -> Path:
        """The embedded broker."""
        return self.path / "valkey"

    @property
    def logs(self) -> Path:
        """One file a process."""
        return self.path / "logs"

    @property
    def state(self) -> Path:
        """What one run leaves for the next: its processes, and what was done once."""
        return self.path / "run"

    @property
    def secrets(self) -> Path:
        """Development secrets, made once."""
        return self.path / "secrets.json"

    @property
    def demo(self) -> Path:
        """Where programs find the running demo shop and its accounts."""
        return self.path / "demo.json"

    def log(self, name: str) -> LogFile:
        """The log of the process called `name`."""
        return LogFile(self.logs / f"{name}.log")

    def release(self) -> None:
        """Let another start use the folder."""
        if self._lock:
            self._lock.close()
            self._lock = None


def chosen(environ: Mapping[str, str]) -> Path:
    """QUICKSHOP_HOME, or its default: `.quickshop` here, as root `/var/lib/quickshop`."""
    named = environ.get("QUICKSHOP_HOME")
    if named:
        return Path(named).expanduser().resolve()
    return _ROOTS_HOME if os.geteuid() == 0 else Path(".quickshop").resolve()


def open_home(path: Path, *, embeds_database: bool) -> Home:
    """Make the folder where it is missing, lock it, and see that it can be written.

    Raises CannotStart with a sentence for every way in which it cannot serve.
    """
    if embeds_database:
        _refuse_private(path)
    home = Home(path)
    try:
        path.mkdir(mode=0o755, parents=True, exist_ok=True)
        home._lock = _lock(path)
        for folder in (home.logs, home.state, home.postgres, home.valkey):
            folder.mkdir(mode=0o755, exist_ok=True)
        _refuse_full(home, embeds_database)
    except OSError as error:
        home.release()
        raise CannotStart(_why_unusable(path, error)) from error
    except CannotStart:
        home.release()
        raise
    return home


def _why_unusable(path: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return (
            f"The disk of {path} is full, or files there may not grow ({error.strerror}); "
            "free some space or choose another folder with QUICKSHOP_HOME."
        )
    if isinstance(error, (NotADirectoryError, FileExistsError)):
        return f"{path} is not a folder; choose another with QUICKSHOP_HOME."
    return f"The folder {path} cannot be used ({error.strerror}); choose another with QUICKSHOP_HOME."


def _lock(path: Path) -> IO[str]:
    lock = (path / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip() or "another process"
        lock.close()
        raise CannotStart(
            f"A shop is already running on the folder {path} ({holder}); stop it first or choose another folder "
            "with QUICKSHOP_HOME."
        ) from None
    lock.truncate(0)
    with contextlib.suppress(OSError):
        lock.write(f"process {os.getpid()}")
        lock.flush()
    return lock


def _refuse_private(path: Path) -> None:
    user = system_user.for_postgres()
    if user is None:
        return
    private = system_user.private_ancestor(path, user)
    if private:
        raise CannotStart(
            f"As root the database runs as the system user '{user.name}', who may not enter {private}; "
            f"choose a QUICKSHOP_HOME such as {_ROOTS_HOME} or start the shop as an ordinary user."
        )


def _refuse_full(home: Home, embeds_database: bool) -> None:
    """Ask for the space, then try it: a quota or a file size limit shows only when one writes."""
    new = embeds_database and not (home.postgres / "data" / "PG_VERSION").exists()
    needed = _ROOM_FOR_NEW if new else _ROOM_TO_RUN
    room = os.statvfs(home.path)
    free = room.f_bavail * room.f_frsize
    if free < needed:
        raise CannotStart(
            f"The disk of {home.path} is full: {free // _MIB} MiB are free and {needed // _MIB} MiB are needed; "
            "free some space or choose another folder with QUICKSHOP_HOME."
        )
    probe = home.state / "space"
    try:
        with probe.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, _LARGEST_FILE)
            os.fsync(file.fileno())
    finally:
        probe.unlink(missing_ok=True)
