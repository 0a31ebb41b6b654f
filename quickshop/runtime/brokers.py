"""Questions the supervisor asks the broker of REDIS_URL before the shop runs on it."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from quickshop.runtime.failures import CannotStart

_WRONG_FORM = "REDIS_URL is not of the form redis://:password@host:6379/0."


def refuse_malformed(url: str) -> None:
    """Raise CannotStart unless `url` names a Redis-protocol server."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("redis", "rediss") and bool(parts.hostname) and (parts.port or 6379) > 0
    except ValueError:
        usable = False
    if not usable:
        raise CannotStart(_WRONG_FORM)


def answers(url: str) -> bool:
    """Whether something takes connections there now; the shop starts without it, too."""
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 6379), timeout=2).close()
    except OSError:
        return False
    return True
