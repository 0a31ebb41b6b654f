"""A closed loop of HTTP GETs over kept connections in one thread: as little work per request as Python allows.

Each connection asks again as soon as it has its answer; paths are taken in turn. Answers must be 200.
"""

from __future__ import annotations

import math
import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

_LENGTH = b"content-length:"


@dataclass(frozen=True)
class Load:
    """What was seen: requests per second, and latencies in milliseconds in order."""

    rate: float
    latencies: list[float]

    def percentile(self, share: float) -> float:
        """The latency that `share` of the requests did not exceed; endless where none was answered in time."""
        if not self.latencies:
            return math.inf
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * share))]


class _Connection:
    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent = 0.0
        self._got = b""
        self._missing = 0

    def ask(self, request: bytes) -> None:
        self.sent = time.perf_counter()
        self._got, self._missing = b"", 0
        self.socket.sendall(request)

    def read(self) -> bool:
        """Take what has come; whether the answer is whole."""
        data = self.socket.recv(262_144)
        if not data:
            raise RuntimeError("the shop closed a connection")
        if self._missing:
            self._missing -= len(data)
            return self._missing <= 0
        self._got += data
        end = self._got.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = self._got[:end].lower()
        if not head.startswith(b"http/1.1 200"):
            raise RuntimeError(self._got[:300].decode(errors="replace"))
        at = head.index(_LENGTH) + len(_LENGTH)
        length = int(head[at : at + 12].split(b"\r\n", 1)[0])
        self._missing = end + 4 + length - len(self._got)
        return self._missing <= 0


def run(address: tuple[str, int], paths: Sequence[str], connections: int, seconds: float) -> Load:
    """Ask for the paths in turn on so many connections for so long; the first tenth is not counted."""
    requests = [f"GET {path} HTTP/1.1\r\nHost: shop\r\n\r\n".encode() for path in paths]
    turns = count()
    latencies: list[float] = []
    with selectors.DefaultSelector() as selector:
        for _ in range(connections):
            connection = _Connection(address)
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.ask(requests[next(turns) % len(requests)])
        began = time.perf_counter()
        counted_from, until = began + seconds / 10, began + seconds
        while (now := time.perf_counter()) < until:
            for key, _ in selector.select(until - now):
                connection = key.data
                if connection.read():
                    done = time.perf_counter()
                    if connection.sent >= counted_from:
                        latencies.append((done - connection.sent) * 1000)
                    connection.ask(requests[next(turns) % len(requests)])
        for key in list(selector.get_map().values()):
            key.data.socket.close()
    return Load(len(latencies) / (seconds * 0.9), sorted(latencies))
