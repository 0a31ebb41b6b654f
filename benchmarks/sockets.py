"""A thrifty Socket.IO client for load programs: one WebSocket, one thread, no reconnecting."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import websocket

_ANSWER_SECONDS = 10


class LiveClient:
    """An open socket. `on_event` is called by its own thread for each event."""

    def __init__(
        self, url: str, auth: dict[str, str], on_event: Callable[[dict[str, Any]], None], namespace: str = "/"
    ) -> None:
        self._on_event = on_event
        self._prefix = "" if namespace == "/" else f"{namespace},"
        address = url.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket"
        self._socket = websocket.create_connection(address, timeout=60)
        self._socket.recv()
        self._socket.send(f"40{self._prefix}{json.dumps(auth)}")
        answer = self._socket.recv()
        if not str(answer).startswith("40"):
            raise RuntimeError(f"refused: {answer}")
        self._answers: dict[int, Any] = {}
        self._answered = threading.Condition()
        self._calls = 0
        threading.Thread(target=self._read, daemon=True).start()

    def call(self, name: str, message: dict[str, Any]) -> Any:
        """Send a message and wait for its answer."""
        with self._answered:
            self._calls += 1
            number = self._calls
            self._socket.send(f"42{self._prefix}{number}{json.dumps([name, message])}")
            if not self._answered.wait_for(lambda: number in self._answers, _ANSWER_SECONDS):
                raise TimeoutError(f"{name} was not answered")
            return self._answers.pop(number)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _read(self) -> None:
        try:
            while True:
                self._handle(str(self._socket.recv()))
        except (OSError, websocket.WebSocketException):
            return

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
