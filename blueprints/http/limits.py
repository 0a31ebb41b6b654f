"""Request limits by route class and caller, by flask-limiter: counted in Redis, in memory while Redis is away.

`@limited("auth")` puts a view into a class; all others are `default`. How much each class allows stands in the
settings. Each class has one budget per caller: the user's id, the API key, else the
client's address; for sign-ins and whatever else asks nobody who they are, always the address.
"""

from __future__ import annotations

import ipaddress
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeVar

from flask import Flask, request
from flask_limiter import Limiter
from limits import RateLimitItem, parse
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from blueprints.http import rate_windows
from blueprints.http.access import budget_key, claims
from quickshop.extensions import settings
from quickshop.kernel.errors import ShopError

RateClass = Literal["default", "auth", "checkout", "search", "media", "none"]
View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Rate:
    """A limit and the name of its class; `by_address` where a token or key in the request does not count."""

    item: RateLimitItem
    scope: str
    by_address: bool


_RECHECK_SECONDS = 2.0
_STORAGE = {"socket_timeout": 0.2, "socket_connect_timeout": 0.2, "retry": Retry(NoBackoff(), 0)}

log = logging.getLogger(__name__)


class RateLimited(ShopError):
    """The caller has used up a class's budget."""

    status, code, title = 429, "rate_limited", "Too many requests"

    def __init__(self, seconds: int, told: list[tuple[str, str]]) -> None:
        headers = {"Retry-After": str(seconds), **dict(told)}
        super().__init__(f"Too many requests; try again in {seconds} s.", headers=headers)


def limited(name: RateClass) -> Callable[[View], View]:
    """Say which limit a view falls under; "none" exempts it (probes)."""

    def mark(view: View) -> View:
        view.rate_class = name  # type: ignore[attr-defined]
        return view

    return mark


@lru_cache(maxsize=4096)
def _network(address: str) -> str:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    return str(ip.ipv4_mapped or ipaddress.ip_network(f"{address}/64", strict=False))


def client_address() -> str:
    """Where the request comes from: an IPv4 address, or the /64 network of an IPv6 one."""
    return _network(request.remote_addr or "")


def _key() -> str:
    """Whose budget a request spends: the user's where the token is good, the API key's, else the address's."""
    if request.path.startswith("/api/"):
        try:
            found = claims()
        except ShopError:
            found = None  # the view's own decorator refuses it
        if found:
            return f"user:{found.user_id}"
        key_id = budget_key()
        if key_id:
            return f"key:{key_id}"
    return _address_key()


def _address_key() -> str:
    return f"ip:{client_address()}"


class ClassLimiter(Limiter):
    """flask-limiter with one budget per class: its storage, fallback and recovery, and a shorter way to decide.

    Its own walk over limits costs about 200 us a request, this one about 10.
    """

    def __init__(self) -> None:
        super().__init__(
            _key,
            strategy=rate_windows.NAME,
            storage_uri="memory://",  # replaced per application in `install_limits`
            headers_enabled=False,
            in_memory_fallback_enabled=True,
        )
        self._check_again_at = 0.0

    def open(self, app: Flask, redis_url: str) -> None:
        """Attach to an application, counting in its Redis. The gatekeeper calls `check`; no hook of its own is set."""
        self._storage_uri = redis_url
        self._storage_options = dict(_STORAGE)  # type: ignore[arg-type]
        app.extensions.setdefault("limiter", set()).add(self)
        self.init_app(app)

    def rate_of(self, view: Callable[..., Any]) -> Rate | None:
        """The limit a view falls under; None for an exempt one."""
        name = getattr(view, "rate_class", "default")
        if name == "none":
            return None
        # Who is not looked at cannot have a budget of their own: else each account would be one more for guessing.
        by_address = name == "auth" and getattr(view, "access", "") == "public"
        return Rate(parse(getattr(settings().limits, name)), name, by_address)

    def spend(self, rate: Rate) -> list[tuple[str, str]]:
        """Spend one request of the caller's budget; the headers that tell how much is left. Raises RateLimited."""
        item, scope = rate.item, rate.scope
        key = _address_key() if rate.by_address else self._key_func()
        allowed = self._hit(item, key, scope)
        reset_at, remaining = self.limiter.get_window_stats(item, key, scope)
        seconds = max(1, round(reset_at - time.time()))
        told = [
            ("RateLimit-Limit", str(item.amount)),
            ("RateLimit-Remaining", str(remaining)),
            ("RateLimit-Reset", str(seconds)),
        ]
        if not allowed:
            raise RateLimited(seconds, told)
        return told

    def _hit(self, item: RateLimitItem, key: str, scope: str) -> bool:
        if self._storage_dead:
            self._recover()
        try:
            return self.limiter.hit(item, key, scope)
        except RedisError as error:
            log.warning("limits are counted in memory while Redis is away: %s", type(error).__name__)
            self._storage_dead = True
            self._check_again_at = time.monotonic() + _RECHECK_SECONDS
            return self.limiter.hit(item, key, scope)

    def _recover(self) -> None:
        if time.monotonic() < self._check_again_at:
            return
        self._check_again_at = time.monotonic() + _RECHECK_SECONDS
        if self.storage.check():
            log.info("limits are counted in Redis again")
            self._storage_dead = False


def make_limiter(app: Flask) -> ClassLimiter:
    """The application's limiter."""
    limiter = ClassLimiter()
    with app.app_context():
        limiter.open(app, settings().redis_url)
    return limiter
