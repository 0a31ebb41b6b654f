"""Clients of Redis that fail fast: whoever uses one has a plan for Redis being away, and waiting is not it."""

from __future__ import annotations

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

CONNECT_SECONDS = 1.0
ANSWER_SECONDS = 2.0


def open_link(url: str, *, answer_seconds: float = ANSWER_SECONDS) -> Redis:
    """A client that gives up after a second of connecting or two of waiting, and never retries by itself.

    Its connections are opened when used, so this never fails.
    """
    return Redis.from_url(
        url,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=answer_seconds,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 0),
    )
