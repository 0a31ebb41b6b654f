"""Listening to the bus. It may lose messages, so every new subscription is followed by a look at all logs."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from typing import Any

import orjson
from redis import Redis
from redis.client import PubSub
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

LONGEST_PAUSE = 2.0
_POLL_SECONDS = 1.0
_QUIET_SECONDS = 5.0  # after so long without a message a sign of life is asked for
_ANSWER_SECONDS = 3.0


class Bus:
    """One subscription that is made again whenever it breaks, half-open connections included."""

    def __init__(
        self,
        link: Redis,
        channel: str,
        take: Callable[[list[dict[str, Any]]], None],
        subscribed: Callable[[], None],
        sleep: Callable[[float], None],
    ) -> None:
        self._link = link
        self._channel = channel
        self._take = take
        self._subscribed = subscribed
        self._sleep = sleep
        self.connected = False

    def run(self) -> None:
        """Listen for ever."""
        pause = 0.1
        while True:
            try:
                self._listen()
            except (RedisError, OSError) as error:
                if self.connected:
                    log.warning("the bus is away: %s", type(error).__name__)
                    pause = 0.1
            except Exception:
                log.exception("listening to the bus failed")
            self.connected = False
            self._sleep(pause * random.uniform(0.5, 1.0))
            pause = min(LONGEST_PAUSE, pause * 2)

    def _listen(self) -> None:
        subscription = self._link.pubsub()
        try:
            subscription.subscribe(self._channel)
            heard_at = time.monotonic()
            asked = False
            while True:
                message = subscription.get_message(timeout=_POLL_SECONDS)
                if message is not None:
                    heard_at, asked = time.monotonic(), False
                    self._handle(message)
                    continue
                quiet = time.monotonic() - heard_at
                if quiet > _QUIET_SECONDS + _ANSWER_SECONDS:
                    raise ConnectionError("the bus does not answer")
                if quiet > _QUIET_SECONDS and not asked:
                    subscription.ping()
                    asked = True
        finally:
            _close(subscription)

    def _handle(self, message: dict[str, Any]) -> None:
        if message["type"] == "subscribe":
            self.connected = True
            self._subscribed()
        elif message["type"] == "message":
            self._take(orjson.loads(message["data"]))


def _close(subscription: PubSub) -> None:
    try:
        subscription.close()
    except (RedisError, OSError):
        log.debug("the bus connection was already gone")
