"""The append-only file behind the ledger: JSON lines, one write per change, replayed at the start.

A line is in the page cache when `append` returns, so it outlives the death of the process (not a power cut;
this is a double). Only one process at a time may own the file.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

_CHUNK = 1 << 20


class JournalError(Exception):
    """The journal cannot be used; the message says why."""


class Journal:
    """An open journal. Read `records` once, then `append`.

    A predecessor that was told to die may need a moment to let go of the file: `patience` seconds are given.
    """

    def __init__(self, path: Path, patience: float = 5.0) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._end = 0
        try:
            self._own(time.monotonic() + patience)
        except BaseException:
            os.close(self._fd)
            raise

    def _own(self, deadline: float) -> None:
        while True:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise JournalError(f"{self._path} is in use by another gateway.") from None
                time.sleep(0.05)

    def records(self) -> Iterator[dict[str, Any]]:
        """Everything written so far, oldest first. A torn last line, the mark of a sudden death, is cut off.

        Raises JournalError when any other line cannot be read.
        """
        for number, line in enumerate(self._complete_lines(), start=1):
            try:
                record = orjson.loads(line)
            except orjson.JSONDecodeError:
                raise JournalError(f"{self._path}, line {number}, cannot be read.") from None
            self._end += len(line) + 1
            yield record
        os.ftruncate(self._fd, self._end)

    def _complete_lines(self) -> Iterator[bytes]:
        rest, position = b"", 0
        while chunk := os.pread(self._fd, _CHUNK, position):
            position += len(chunk)
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines

    def append(self, record: dict[str, Any]) -> None:
        """Write one record, whole or not at all. Raises OSError (a full disk, for example)."""
        line = orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
        try:
            complete = os.write(self._fd, line) == len(line)
        except OSError:
            os.ftruncate(self._fd, self._end)
            raise
        if not complete:
            os.ftruncate(self._fd, self._end)
            raise OSError(f"{self._path}: only part of a line could be written")
        self._end += len(line)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._fd)
