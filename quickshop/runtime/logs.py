"""Log files that cannot grow without end and whose disk may fill up without ending the supervisor."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_LARGEST = 5 * 1024 * 1024
_KEPT = 3


class LogFile:
    """An append-only log: `NAME.log`, and up to three older ones of 5 MiB beside it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = -1
        self._size = 0

    def write(self, data: bytes) -> None:
        """Append `data`. A full disk loses the lines, not the caller."""
        with contextlib.suppress(OSError):
            if self._descriptor < 0:
                self._open()
            if self._size > _LARGEST:
                self._rotate()
            self._size += os.write(self._descriptor, data)

    def tail(self, lines: int) -> list[str]:
        """The last `lines` lines written, oldest first."""
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - 16384))
                return file.read().decode(errors="replace").splitlines()[-lines:]
        except OSError:
            return []

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _open(self) -> None:
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        self._size = os.fstat(self._descriptor).st_size

    def _rotate(self) -> None:
        self.close()
        for number in range(_KEPT - 1, 0, -1):
            older = self.path.with_name(f"{self.path.name}.{number}")
            if older.exists():
                older.replace(older.with_name(f"{self.path.name}.{number + 1}"))
        self.path.replace(self.path.with_name(f"{self.path.name}.1"))
        self._open()
