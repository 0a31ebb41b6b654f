"""The live page's figures as frames, made once a second while somebody watches."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from redis import Redis

from quickshop.extensions import settings
from quickshop.kernel.clock import now, rfc3339
from quickshop.kernel.money import money
from quickshop.monitoring import queries
from quickshop.monitoring.presence import Presence
from tasks.feed import Feed
from tasks.queues import QueueNames

# Sums over the whole day are made again after this many times the seconds they took, a second at least.
_REST_FACTOR = 30


def queue_depths(link: Redis) -> dict[str, int]:
    """How many messages lie in each queue. Raises RedisError."""
    pipe = link.pipeline(transaction=False)
    for name in QueueNames:
        pipe.llen(name)
    return dict(zip(map(str, QueueNames), pipe.execute(), strict=True))


def frame(topic: str, type_: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """A frame of a topic that keeps no log."""
    return {"topic": topic, "seq": None, "type": type_, "at": rfc3339(now()), "data": data}


class Today:
    """Orders and revenue since midnight (UTC). The database is asked rarely where the answer takes long."""

    def __init__(self) -> None:
        self._next_at = 0.0
        self._sums = (0, 0)

    def look(self, currency: str) -> tuple[int, int]:
        """Orders placed today, and the confirmed ones' money in minor units."""
        started = time.monotonic()
        if started >= self._next_at:
            until = queries.database_now()
            midnight: datetime = until.replace(hour=0, minute=0, second=0, microsecond=0)
            self._sums = queries.sums(midnight, until, currency)
            took = time.monotonic() - started
            self._next_at = started + max(0.9, took * _REST_FACTOR)
        return self._sums


class Ticks:
    """Makes the frames of one second. Needs an application context."""

    def __init__(self, link: Redis, feed: Feed) -> None:
        self._link = link
        self._feed = feed
        self._today = Today()

    def frames(self, presence: Presence) -> list[dict[str, Any]]:
        """`order.feed` (where something happened), `queue.tick` and `metrics.tick`. Raises RedisError, DBAPIError."""
        made = []
        numbers = self._feed.take()
        if numbers:
            made.append(frame("admin:orders", "order.feed", {"orders": queries.feed(numbers)}))
        made.append(frame("admin:queues", "queue.tick", self._queues()))
        made.append(frame("admin:metrics", "metrics.tick", self._metrics(presence)))
        return made

    def _queues(self) -> dict[str, Any]:
        waiting = queries.orders_waiting()
        oldest = {f"orders.{name}": found["oldest_seconds"] for name, found in waiting.items()}
        oldest[QueueNames.NOTIFY] = queries.notifications_waiting()["oldest_seconds"]
        depths = queue_depths(self._link)
        return {
            "queues": [
                {"name": name, "depth": depth, "oldest_seconds": oldest.get(name)} for name, depth in depths.items()
            ],
            "waiting": waiting,
        }

    def _metrics(self, presence: Presence) -> dict[str, Any]:
        currency = settings().base_currency
        orders, revenue = self._today.look(currency)
        ages = queries.canary_ages()
        return {
            **queries.rates(),
            "orders_today": orders,
            "revenue_today": money(revenue, currency),
            "sockets": presence.sockets,
            **queries.spreads(),
            "workers": {str(name): ages.get(name) for name in QueueNames},
        }
