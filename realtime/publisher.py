"""The only place that sends live events: the relay to the bus, and a web process to its own sockets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

import orjson

EVENT = "event"
_DEFAULT_DATABASE = "0"


class Pipeline(Protocol):
    """What is needed of a Redis client or pipeline."""

    def publish(self, channel: str, message: bytes) -> Any: ...


class SocketServer(Protocol):
    """What is needed of a Socket.IO server."""

    def emit(self, event: str, data: Any, *, to: Any, namespace: str) -> None: ...


def bus_channel(redis_url: str) -> str:
    """The bus of one shop. Redis channels ignore database numbers, so the number is in the name."""
    return f"quickshop:live:{urlsplit(redis_url).path.strip('/') or _DEFAULT_DATABASE}"


def publish(link: Pipeline, channel: str, frames: Sequence[Mapping[str, Any]]) -> None:
    """Put frames on the bus, all in one message, in the order given."""
    if frames:
        link.publish(channel, orjson.dumps(frames))


def deliver(
    server: SocketServer, sids: Sequence[str], namespace: str, shown_topic: str, frame: Mapping[str, Any]
) -> None:
    """Send one event to sockets of this process, which all know its topic as `shown_topic`."""
    server.emit(EVENT, {**frame, "topic": shown_topic}, to=list(sids), namespace=namespace)
