"""Identifiers: UUIDv7 (RFC 9562), time-ordered so that indexes grow at one end."""

from __future__ import annotations

import uuid
from datetime import datetime

from uuid_utils.compat import uuid7

from quickshop.kernel.errors import NotFound


def new_id() -> uuid.UUID:
    """A new time-ordered id."""
    return uuid7()


def first_id_of(moment: datetime) -> uuid.UUID:
    """What is before every id made from `moment` on, and after every one made before it."""
    return uuid.UUID(int=(int(moment.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62))


def parse_id(value: str, what: str = "resource") -> uuid.UUID:
    """The id in `value`. Raises NotFound: an id that cannot be one names nothing that exists."""
    try:
        return uuid.UUID(value)
    except ValueError:
        raise NotFound(what) from None
