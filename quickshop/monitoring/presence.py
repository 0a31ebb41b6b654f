"""How many sockets are open, whether anybody watches the live page, and which products are followed.

Noted in Redis by each web process.

Losing the notes costs a second of figures; nothing rests on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import time
from uuid import UUID

import orjson
from redis import Redis

KEY = "quickshop:presence"
FRESH_SECONDS = 10


@dataclass(frozen=True)
class Presence:
    """Open sockets, those of them that watch the live page, and the products whose topics are followed."""

    sockets: int = 0
    watchers: int = 0
    products: frozenset[UUID] = frozenset()


def note(link: Redis, process: str, presence: Presence) -> None:
    """Note what one web process holds; repeated every few seconds."""
    noted = [time(), presence.sockets, presence.watchers, list(presence.products)]
    link.hset(KEY, process, orjson.dumps(noted).decode())


def forget(link: Redis, process: str) -> None:
    """Remove a process's note."""
    link.hdel(KEY, process)


def look(link: Redis) -> Presence:
    """The sum over all web processes whose note is fresh; stale notes are removed."""
    sockets = watchers = 0
    products: set[UUID] = set()
    now = time()
    for process, raw in link.hgetall(KEY).items():  # type: ignore[union-attr]
        at, open_sockets, watching, *more = orjson.loads(raw)
        if abs(now - at) > FRESH_SECONDS:
            link.hdel(KEY, process)
            continue
        sockets += open_sockets
        watchers += watching
        products.update(map(UUID, more[0] if more else ()))  # an older process notes none
    return Presence(sockets, watchers, frozenset(products))
