"""Gunicorn's response with its head and the first of its body in one write.

Gunicorn sends them apart: two system calls and two packets, and a client that is woken twice.
"""

from __future__ import annotations

from typing import Any

from gunicorn.http import wsgi


class _Keeper:
    """Stands in for the socket while the head is made, and keeps it."""

    def __init__(self) -> None:
        self.kept = b""

    def sendall(self, data: bytes) -> None:
        """Keep the bytes."""
        self.kept += data


class OneWrite(wsgi.Response):
    """A response whose head waits for what follows it."""

    _head = b""

    def send_headers(self) -> None:
        """Make the head once; it leaves with the body, or at the end of a response that has none."""
        if self.headers_sent:
            return
        wire: Any = self.sock
        keeper: Any = _Keeper()
        self.sock: Any = keeper
        try:
            super().send_headers()
        finally:
            self.sock = wire
        self._head = keeper.kept

    def _flush(self) -> None:
        head, self._head = self._head, b""
        if head:
            self.sock.sendall(head)

    def _emit_body(self, data: bytes) -> None:
        if self._head and not self.chunked:
            data, self._head = self._head + data, b""
        self._flush()
        super()._emit_body(data)

    def sendfile(self, respiter: Any) -> Any:
        """Send a file: the head goes first."""
        self.send_headers()
        self._flush()
        return super().sendfile(respiter)

    def close(self) -> None:
        """End the response."""
        self.send_headers()
        self._flush()
        super().close()


def install() -> None:
    """Have gunicorn answer with it."""
    wsgi.Response = OneWrite
