"""Answers that everybody gets alike: JSON with an ETag, 304 where the client has it, kept for a second at most.

How long stands in the settings (CATALOGUE_CACHE_SECONDS); 0 computes each answer anew. Nothing of a caller may be in
such an answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable
from functools import wraps
from typing import Any, TypeVar

from flask import Response, request

from blueprints.http.json import JSON
from quickshop.extensions import settings
from quickshop.kernel.microcache import MicroCache

T = TypeVar("T")

CACHE = MicroCache()
_CONTROL = "public, max-age=1"


def for_a_moment(key: Hashable, make: Callable[[], T]) -> T:
    """What `make` gives, or gave a moment ago for the same key."""
    return CACHE.get(key, settings().catalogue_cache_seconds, make)


def shared(view: Callable[..., bytes]) -> Callable[..., Response]:
    """Answer with the JSON that the view gives for an address, the same for everybody."""

    @wraps(view)
    def answered(*args: Any, **kwargs: Any) -> Response:
        environ = request.environ
        key = (environ["PATH_INFO"], environ.get("QUERY_STRING", ""))
        body, etag = for_a_moment(key, lambda: _tagged(view(*args, **kwargs)))
        known = environ.get("HTTP_IF_NONE_MATCH")
        if known and (known.strip() == "*" or etag in known):
            response = Response(status=304)
            response.headers.pop("Content-Type", None)
        else:
            response = Response(body, mimetype=JSON)
        response.headers["ETag"] = etag
        response.headers["Cache-Control"] = _CONTROL
        return response

    return answered


def _tagged(body: bytes) -> tuple[bytes, str]:
    # SHA-256 for its speed: processors have it built in, and a list is some 20 kB.
    return body, f'"{hashlib.sha256(body, usedforsecurity=False).hexdigest()[:24]}"'
