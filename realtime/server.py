"""Puts the live edge into an application: the Socket.IO server, its rules, and what runs beside it.

Nothing is started before the first socket comes, so that an application may be made without side effects.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson
from flask import Flask
from flask_socketio import SocketIO
from gevent import monkey
from socketio import Server

from quickshop.config import Settings
from quickshop.extensions import settings
from quickshop.monitoring.links import open_link
from realtime import handlers, transport
from realtime.bus import Bus
from realtime.connections import Connections
from realtime.frames import Frames
from realtime.patrol import Patrol, PresenceNotes
from realtime.publisher import bus_channel

PATH = "/socket.io"


class _Json:
    """orjson in the form python-socketio asks for."""

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        return orjson.dumps(value).decode()

    @staticmethod
    def loads(text: str | bytes, **_: Any) -> Any:
        return orjson.loads(text)


@dataclass
class Live:
    """The live edge of one application in one process."""

    connections: Connections
    frames: Frames
    bus: Bus
    patrol: Patrol
    presence: PresenceNotes


def register(app: Flask) -> None:
    """The edge for `create_app`."""
    with app.app_context():
        found = settings()
    extension = SocketIO(
        app,
        async_mode="gevent" if monkey.is_module_patched("socket") else "threading",
        async_handlers=False,  # a socket's messages are handled one after the other, in its own greenlet
        transports=["websocket"],
        path=PATH,
        cors_allowed_origins=_origins(found),
        ping_interval=15,
        ping_timeout=10,
        max_http_buffer_size=transport.LONGEST_MESSAGE,
        manage_session=False,
        json=_Json,
    )
    server = extension.server
    transport.install(server)
    live = _compose(app, server, found)
    app.extensions["quickshop.live"] = live
    handlers.install(app, server, live.connections, live.frames, _once(lambda: _start(server, live)))


def _compose(app: Flask, server: Server, found: Settings) -> Live:
    connections = Connections()
    frames = Frames(app, server, connections)
    link = open_link(found.redis_url)
    bus = Bus(link, bus_channel(found.redis_url), frames.take, frames.recheck_soon, server.sleep)
    process = f"{socket.gethostname()}:{os.getpid()}"
    return Live(
        connections,
        frames,
        bus,
        Patrol(app, connections, frames, bus, server.sleep),
        PresenceNotes(link, process, connections, server.sleep),
    )


def _start(server: Server, live: Live) -> None:
    for loop in (live.bus.run, live.patrol.run, live.presence.run):
        server.start_background_task(loop)


def _once(start: Callable[[], None]) -> Callable[[], None]:
    lock = threading.Lock()
    started = False

    def wake() -> None:
        nonlocal started
        with lock:
            if started:
                return
            started = True
        start()

    return wake


def _origins(found: Settings) -> Callable[[str | None, dict[str, Any]], bool]:
    """Which pages may open a socket: the shop's own, and those an operator listed."""
    public = urlsplit(found.public_url)
    listed = {f"{public.scheme}://{public.netloc}", *found.cors_origins}

    def allowed(origin: str | None, environ: dict[str, Any]) -> bool:
        own = f"{environ.get('wsgi.url_scheme')}://{environ.get('HTTP_HOST')}"
        return origin in listed or origin == own

    return allowed
