"""The WebSocket under Socket.IO, with what engine.io's adapter leaves out.

Whole writes (a short write of a full buffer would cut a frame in two), a count of events that the client's
connection has not taken yet, a bound on message size before a message is gathered, no compression, and malformed
messages ended without a traceback.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Any

from socketio import Server
from socketio.packet import ACK, CONNECT, DISCONNECT, EVENT

LONGEST_MESSAGE = 64 * 1024
_SEND_BUFFER = 128 * 1024
_ENVIRON_KEY = "quickshop.socket"
_TAKEN = frozenset({CONNECT, DISCONNECT, EVENT, ACK})
# Names by which the server calls its own handlers: a client's event must not pass for them.
_RESERVED = frozenset({"connect", "disconnect", "message", "connect_error", "*"})


class _WholeWrites:
    """A socket whose `send` sends everything, one caller at a time."""

    def __init__(self, wrapped: socket.socket) -> None:
        self._wrapped = wrapped
        self._lock = threading.Lock()

    def send(self, data: bytes) -> int:
        with self._lock:
            self._wrapped.sendall(data)
        return len(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wrapped, name)


class Meter:
    """How far behind a client is: events handed to its connection, less those the connection has taken."""

    def __init__(self, connection: socket.socket | None = None) -> None:
        self._socket = connection
        self._queued = 0
        self._written = 0
        self._moved_at = time.monotonic()

    @property
    def backlog(self) -> int:
        """Events that wait in this process for the client."""
        return self._queued - self._written

    def stalled_for(self) -> float:
        """Seconds since the client last took something, while something waits for it."""
        return time.monotonic() - self._moved_at if self.backlog > 0 else 0.0

    def queue(self) -> None:
        """Count an event that was handed over."""
        if self.backlog <= 0:
            self._moved_at = time.monotonic()
        self._queued += 1

    def wrote(self) -> None:
        """Count an event that the connection took."""
        self._written += 1
        self._moved_at = time.monotonic()

    def cut(self) -> None:
        """End the connection at once: its reader and its writer wake up, whatever the client does."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


def meter_of(environ: dict[str, Any] | None) -> Meter:
    """The meter of the connection that this environ belongs to; one that shows nothing where there is none."""
    return (environ or {}).get(_ENVIRON_KEY) or Meter()


def well_formed(packet_class: Any, message: Any) -> bool:
    """Whether a client's message may be handed to engine.io: text, of a known kind, and JSON where it must be."""
    if not isinstance(message, str) or not message or message[0] not in "123456":
        return False
    if message[0] != "4":
        return True
    try:
        packet = packet_class(encoded_packet=message[1:])
    except (ValueError, TypeError, IndexError, RecursionError):
        return False
    if packet.packet_type not in _TAKEN:
        return False
    if packet.packet_type == EVENT:
        data = packet.data
        return isinstance(data, list) and bool(data) and isinstance(data[0], str) and data[0] not in _RESERVED
    return packet.packet_type != ACK or isinstance(packet.data, list)


def install(server: Server) -> None:
    """Have `server` use this adapter for every connection."""
    drivers = server.eio._async
    base, packet_class = drivers["websocket"], server.packet_class

    class LiveWebSocket(base):  # type: ignore[misc, valid-type]
        """engine.io's adapter, completed."""

        def __init__(self, handler: Any, eio: Any) -> None:
            super().__init__(handler, eio)
            self.server_args["max_message_size"] = LONGEST_MESSAGE
            self._meter = Meter()

        def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
            # Events are small: compressing them costs memory and CPU for each client, and bombs would be possible.
            environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
            for key in ("gunicorn.socket", "werkzeug.socket"):
                if key in environ:
                    raw = environ[key]
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
                    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    environ[key] = _WholeWrites(raw)
                    self._meter = Meter(raw)
            environ[_ENVIRON_KEY] = self._meter
            return super().__call__(environ, start_response)

        def send(self, message: Any) -> Any:
            sent = super().send(message)
            if isinstance(message, str) and message.startswith("42"):
                self._meter.wrote()
            return sent

        def wait(self) -> Any:
            message = super().wait()
            return message if message is None or well_formed(packet_class, message) else None

    server.eio._async = {**drivers, "websocket": LiveWebSocket}
