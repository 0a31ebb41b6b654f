"""JSON answers, made by orjson in one step. Money and times are already in the API's form when they get here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from flask import Response

JSON = "application/json"


def dumps(value: Any) -> bytes:
    """JSON bytes; UUIDs and dates as their standard texts."""
    return orjson.dumps(value, default=str)


def json_response(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer of `application/json`."""
    response = Response(dumps(body), status, mimetype=JSON)
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response


def no_content(headers: Mapping[str, str] | None = None) -> Response:
    """An answer without a body (204)."""
    response = Response(b"", 204)
    response.headers.pop("Content-Type", None)
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response
