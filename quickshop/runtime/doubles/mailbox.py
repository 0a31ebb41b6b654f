"""Reading the outbox file of the `file` mail backend: an index that grows with the file, messages read on demand.

The file has one JSON object a line, oldest first, and may have thousands; only what was appended since the
last look is parsed, and of each message only its place and its address are kept.
"""

from __future__ import annotations

import os
import threading
from io import BufferedReader
from pathlib import Path
from typing import Any

import orjson


class Mailbox:
    """The messages in one file, which need not exist yet and may be replaced by another."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._inode = 0
        self._offset = 0
        self._places: list[tuple[int, int]] = []
        self._by_address: dict[str, list[int]] = {}

    def newest(self, limit: int, to: str | None = None) -> list[tuple[int, bytes]]:
        """Up to `limit` messages, newest first, each with its number and its line (a JSON object).

        `to` keeps only those sent to exactly this address or phone number; case does not matter.
        """
        with self._lock:
            try:
                file = self._path.open("rb")
            except FileNotFoundError:
                self._forget()
                return []
            with file:
                self._catch_up(file)
                numbers = self._matching(limit, to)
                return [(number, self._line(file, number)) for number in numbers]

    def message(self, number: int) -> dict[str, Any] | None:
        """One message by its number, or None."""
        with self._lock:
            try:
                file = self._path.open("rb")
            except FileNotFoundError:
                return None
            with file:
                self._catch_up(file)
                if not 0 <= number < len(self._places):
                    return None
                message: dict[str, Any] = orjson.loads(self._line(file, number))
                return message

    def _matching(self, limit: int, to: str | None) -> list[int]:
        if to is None:
            last = len(self._places) - 1
            return list(range(last, max(-1, last - limit), -1))
        return self._by_address.get(to.strip().casefold(), [])[: -limit - 1 : -1]

    def _line(self, file: BufferedReader, number: int) -> bytes:
        offset, length = self._places[number]
        return os.pread(file.fileno(), length, offset)

    def _catch_up(self, file: BufferedReader) -> None:
        """Index what was appended; a line still being written waits for the next look."""
        status = os.fstat(file.fileno())
        if status.st_ino != self._inode or status.st_size < self._offset:
            self._forget()
            self._inode = status.st_ino
        if status.st_size == self._offset:
            return
        file.seek(self._offset)
        for line in file:
            if not line.endswith(b"\n"):
                break
            self._add(line)
            self._offset += len(line)

    def _add(self, line: bytes) -> None:
        """Index one line; one that is no message is passed over."""
        try:
            message = orjson.loads(line)
        except orjson.JSONDecodeError:
            return
        if not isinstance(message, dict) or not isinstance(message.get("to"), str):
            return
        self._by_address.setdefault(message["to"].strip().casefold(), []).append(len(self._places))
        self._places.append((self._offset, len(line) - 1))
