"""Counting for request limits: a sliding window over two clock-aligned buckets, with shares taken ahead.

Instead of asking Redis at every request, a process takes up to one hundredth of a limit at a time and spends it by
itself. So a limit is never exceeded, at most a hundredth of it per process is wasted, and small limits are exact.
flask-limiter finds this under the strategy name "shared-window".
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol, cast

from limits import RateLimitItem, WindowStats
from limits.storage import RedisStorage, Storage
from limits.strategies import STRATEGIES, RateLimiter

NAME = "shared-window"
SHARES = 100
REFUSED_SECONDS = 0.25
_REMEMBERED = 50_000

# How full the last window counts is how much of it still lies within the sliding one.
_TAKE = """
local window, amount, asked = tonumber(ARGV[1]) * 1000, tonumber(ARGV[2]), tonumber(ARGV[3])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local number = math.floor(now / window)
local gone = now - number * window
local current = KEYS[1] .. ':' .. string.format('%d', number)
local used = tonumber(redis.call('GET', current) or '0')
local before = tonumber(redis.call('GET', KEYS[1] .. ':' .. string.format('%d', number - 1)) or '0')
local room = math.floor(amount - used - before * (1 - gone / window))
local got = math.max(0, math.min(room, asked))
if got > 0 then
  redis.call('INCRBY', current, got)
  redis.call('PEXPIRE', current, window * 2)
end
return {got, math.max(0, room - got), window - gone}
"""


class Bank(Protocol):
    """Where the counts of all processes (or of this one alone) stand."""

    def take(self, key: str, window: int, amount: int, asked: int) -> tuple[int, int, int]:
        """Take up to `asked` of a limit: how many were given, how many are left, milliseconds to the window's end."""


class RedisBank:
    """Counts in Redis, by Redis' clock, in one call."""

    def __init__(self, storage: RedisStorage) -> None:
        self._script = storage.get_connection().register_script(_TAKE.encode())
        self._prefix = storage.prefixed_key("")

    def take(self, key: str, window: int, amount: int, asked: int) -> tuple[int, int, int]:
        got, left, end = cast(list[int], self._script([self._prefix + key], [window, amount, asked]))
        return int(got), int(left), int(end)


class LocalBank:
    """Counts of this process alone, for as long as Redis is away: each process gives its part of the limit."""

    processes = 2

    def __init__(self) -> None:
        self._counts: OrderedDict[str, tuple[int, int, int]] = OrderedDict()

    def take(self, key: str, window: int, amount: int, asked: int) -> tuple[int, int, int]:
        moment = int(time.time() * 1000)
        number, gone = divmod(moment, window * 1000)
        at, used, before = self._counts.pop(key, (number, 0, 0))
        if at != number:
            used, before = 0, used if at == number - 1 else 0
        amount = max(1, amount // self.processes)
        room = int(amount - used - before * (1 - gone / (window * 1000)))
        got = max(0, min(room, asked))
        self._counts[key] = (number, used + got, before)
        if len(self._counts) > _REMEMBERED:
            self._counts.popitem(last=False)
        return got, max(0, room - got), window * 1000 - gone


@dataclass
class _Share:
    """What this process may still give out by itself, or for how long it refuses without asking."""

    left: int
    beyond: int
    until: float
    reset_at: float


class SharedWindow(RateLimiter):
    """The strategy: spend the share, ask for the next one when it is used up or its window is over."""

    def __init__(self, storage: Storage) -> None:
        super().__init__(storage)
        self._bank: Bank = RedisBank(storage) if isinstance(storage, RedisStorage) else LocalBank()
        self._shares: OrderedDict[tuple[int, tuple[str, ...]], _Share] = OrderedDict()

    def hit(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> bool:
        """Whether `cost` may be spent; spends it."""
        place = (item.amount, identifiers)
        share = self._shares.get(place)
        if share is None or share.until <= time.monotonic() or 0 < share.left < cost:
            share = self._next(item, identifiers, cost)
            self._shares[place] = share
            self._shares.move_to_end(place)
            if len(self._shares) > _REMEMBERED:
                self._shares.popitem(last=False)
        if share.left < cost:
            return False
        share.left -= cost
        if share.left == 0:
            share.until = 0.0
        return True

    def _next(self, item: RateLimitItem, identifiers: tuple[str, ...], cost: int) -> _Share:
        asked = max(cost, item.amount // SHARES)
        window = item.get_expiry()
        got, beyond, end = self._bank.take("/".join(identifiers), window, item.amount, asked)
        seconds = end / 1000
        lives = seconds if got else min(seconds, REFUSED_SECONDS)
        return _Share(got, beyond, time.monotonic() + lives, time.time() + seconds)

    def test(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> bool:
        """Whether `cost` could be spent, as far as this process knows."""
        share = self._shares.get((item.amount, identifiers))
        return share is None or share.until <= time.monotonic() or share.left >= cost

    def get_window_stats(self, item: RateLimitItem, *identifiers: str) -> WindowStats:
        """When the window ends and how much is left at least, without asking again."""
        share = self._shares.get((item.amount, identifiers))
        if share is None:
            return WindowStats(time.time() + item.get_expiry(), item.amount)
        return WindowStats(share.reset_at, share.left + share.beyond)


STRATEGIES[NAME] = SharedWindow  # type: ignore[assignment]
