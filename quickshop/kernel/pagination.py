"""Keyset cursors: an opaque, signed-for-shape place in a sorted list."""

from __future__ import annotations

import base64
import binascii
from typing import Any
from uuid import UUID

import orjson

from quickshop.kernel.errors import Invalid


def encode_cursor(*key: Any) -> str:
    """The cursor that continues after `key`."""
    return base64.urlsafe_b64encode(orjson.dumps(list(key), default=str)).decode().rstrip("=")


def decode_cursor(cursor: str, *kinds: type) -> list[Any]:
    """The key in a cursor. Raises Invalid where it is not one of ours for this list."""
    try:
        key = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, orjson.JSONDecodeError, ValueError):
        key = None
    if not isinstance(key, list) or [type(k) for k in key] != list(kinds):
        raise Invalid({"cursor": ["Not a cursor of this list."]})
    return key


def decode_id(cursor: str) -> UUID:
    """The id in the cursor of a list that is sorted by ids. Raises Invalid."""
    try:
        return UUID(decode_cursor(cursor, str)[0])
    except ValueError:
        raise Invalid({"cursor": ["Not a cursor of this list."]}) from None


def page(rows: list[Any], limit: int, *columns: str) -> tuple[list[Any], str | None]:
    """Split rows read with `LIMIT limit + 1` into a page and the cursor of the next one."""
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], encode_cursor(*(getattr(last, c) for c in columns))
