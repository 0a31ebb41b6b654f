"""How many sockets are open and whether anybody watches the live page, noted in Redis by each web process.

Losing the notes costs a second of figures; nothing rests on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import time

import orjson
from redis import Redis

KEY = "quickshop:presence"
FRESH_SECONDS = 10


@dataclass(frozen=True)
class Presence:
    """Open sockets, and those of them that watch the live page."""

    sockets: int = 0
    watchers: int = 0


def note(link: Redis, process: str, presence: Presence) -> None:
    """Note what one web process holds; repeated every few seconds."""
    link.hset(KEY, process, orjson.dumps([time(), presence.sockets, presence.watchers]).decode())


def forget(link: Redis, process: str) -> None:
    """Remove a process's note."""
    link.hdel(KEY, process)


def look(link: Redis) -> Presence:
    """The sum over all web processes whose note is fresh; stale notes are removed."""
    sockets = watchers = 0
    now = time()
    for process, raw in link.hgetall(KEY).items():  # type: ignore[union-attr]
        at, open_sockets, watching = orjson.loads(raw)
        if abs(now - at) > FRESH_SECONDS:
            link.hdel(KEY, process)
            continue
        sockets += open_sockets
        watchers += watching
    return Presence(sockets, watchers)
