"""JSON over HTTP to a provider that is not trusted: bounded in time and size, no redirects, no retries.

Every way in which a provider can fail to answer ends in NoReply; what the answers mean is for the clients.
"""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson
import urllib3
from urllib3.connection import HTTPConnection

CONNECT_SECONDS = 1.0
READ_SECONDS = 5.0
LARGEST_REPLY = 64 * 1024
_CONNECTIONS = 16
_HEADERS = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "quickshop"}


class NoReply(Exception):
    """No answer that can be read. `sent` is False only when the request certainly never left."""

    def __init__(self, code: str, *, sent: bool = True) -> None:
        super().__init__(code)
        self.code = code
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer: its status and its JSON document (None where the body is not a JSON object)."""

    status: int
    document: dict[str, Any] | None


class _DeadlineSocket(socket.socket):
    """A socket whose reads, taken together, end at `deadline`: a time-out per read lets a dripping server hang us."""

    deadline = float("inf")

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        self.settimeout(left)
        return super().recv_into(*args, **kwargs)


class _BoundedConnection(HTTPConnection):
    """An HTTP connection that gives the whole answer, head and body, one read time."""

    read_seconds = READ_SECONDS

    def _new_conn(self) -> socket.socket:
        plain = super()._new_conn()
        limit = plain.gettimeout()
        bounded = _DeadlineSocket(plain.family, plain.type, plain.proto, fileno=plain.detach())
        bounded.settimeout(limit)
        return bounded

    def getresponse(self) -> Any:
        if isinstance(self.sock, _DeadlineSocket):
            self.sock.deadline = time.monotonic() + self.read_seconds
        return super().getresponse()


class JsonCaller:
    """Keep-alive JSON calls to one base URL. Connections are opened lazily and never shared across a fork."""

    def __init__(self, base_url: str, *, read_seconds: float = READ_SECONDS) -> None:
        parts = urlsplit(base_url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"a provider's address must be http://host:port, not {base_url!r}")
        self._host = parts.hostname
        self._port = parts.port or 80
        self._prefix = parts.path.rstrip("/")
        self._connection = type("_Connection", (_BoundedConnection,), {"read_seconds": read_seconds})
        self._timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=read_seconds)
        self._pool: urllib3.HTTPConnectionPool | None = None
        self._pid = 0

    def _connections(self) -> urllib3.HTTPConnectionPool:
        if self._pool is None or self._pid != os.getpid():
            pool = urllib3.HTTPConnectionPool(
                self._host, self._port, maxsize=_CONNECTIONS, timeout=self._timeout, retries=False
            )
            pool.ConnectionCls = self._connection
            self._pool, self._pid = pool, os.getpid()
        return self._pool

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Reply:
        """One request, sent at most once. `path` begins with a slash. Raises NoReply."""
        try:
            return self._exchange(method, path, None if body is None else orjson.dumps(body))
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError):
            raise NoReply("unreachable", sent=False) from None
        except (urllib3.exceptions.ReadTimeoutError, TimeoutError):
            raise NoReply("timeout") from None
        except (urllib3.exceptions.HTTPError, OSError):
            raise NoReply("connection_lost") from None

    def _exchange(self, method: str, path: str, body: bytes | None) -> Reply:
        answer = self._connections().urlopen(
            method,
            self._prefix + path,
            body=body,
            headers=_HEADERS,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )
        try:
            raw = answer.read(LARGEST_REPLY + 1)
        finally:
            # Only an answer read to its end leaves the connection fit for another request.
            if not answer.closed:
                answer.close()
            answer.release_conn()
        if len(raw) > LARGEST_REPLY:
            raise NoReply("reply_too_large")
        if answer.length_remaining:
            raise NoReply("connection_lost")
        return Reply(answer.status, _document(raw))


def _document(raw: bytes) -> dict[str, Any] | None:
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None
