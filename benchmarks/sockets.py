"""A small Socket.IO client that keeps the order of events: one WebSocket, one thread, no reconnecting."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any

import websocket

_ANSWER_SECONDS = 10


class Refused(Exception):
    """The server did not let us in; `problem` is the problem document it gave."""

    def __init__(self, given: Any) -> None:
        super().__init__(given)
        self.problem = given.get("data") if isinstance(given, dict) else None


class LiveClient:
    """An open socket. `on_event` is called by its own thread for each event, `on_end` when the server ends it."""

    def __init__(
        self,
        url: str,
        auth: Mapping[str, str] | None,
        on_event: Callable[[dict[str, Any]], None],
        *,
        namespace: str = "/",
        headers: Mapping[str, str] | None = None,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        self._on_event, self._on_end = on_event, on_end
        self._prefix = "" if namespace == "/" else f"{namespace},"
        self._answers: dict[int, Any] = {}
        self._answered = threading.Condition()
        self._calls = 0
        address = url.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket"
        self._socket = websocket.create_connection(
            address, timeout=60, header=dict(headers or {}), suppress_origin=True
        )
        try:
            self._join(auth)
        except BaseException:
            self.close()
            raise
        threading.Thread(target=self._read, daemon=True).start()

    def _join(self, auth: Mapping[str, str] | None) -> None:
        self._socket.recv()
        self._socket.send(f"40{self._prefix}{json.dumps(auth) if auth is not None else ''}")
        answer = str(self._socket.recv())
        if not answer.startswith("40"):
            raise Refused(json.loads(answer[2 + len(self._prefix) :] or "null"))

    def call(self, name: str, *message: Any) -> Any:
        """Say something and wait for the answer."""
        with self._answered:
            self._calls += 1
            number = self._calls
            self._socket.send(f"42{self._prefix}{number}{json.dumps([name, *message])}")
            if not self._answered.wait_for(lambda: number in self._answers, _ANSWER_SECONDS):
                raise TimeoutError(f"{name} was not answered")
            return self._answers.pop(number)

    def cut(self) -> None:
        """End the connection without a word."""
        with contextlib.suppress(OSError):
            self._socket.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Leave."""
        with contextlib.suppress(OSError, websocket.WebSocketException):
            self._socket.close(timeout=1)

    def _read(self) -> None:
        try:
            while (text := str(self._socket.recv())) and not text.startswith("41"):
                self._handle(text)
        except (OSError, websocket.WebSocketException):
            pass  # cut, by either side
        self._on_end()

    def _handle(self, text: str) -> None:
        if text == "2":
            self._socket.send("3")
        elif text.startswith("42"):
            self._on_event(json.loads(text[2 + len(self._prefix) :])[1])
        elif text.startswith("43"):
            number, _, rest = text[2 + len(self._prefix) :].partition("[")
            with self._answered:
                self._answers[int(number)] = json.loads("[" + rest)[0]
                self._answered.notify_all()
