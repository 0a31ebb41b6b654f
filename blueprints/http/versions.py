"""Changes that must not undo each other: the version a caller saw, by `If-Match` or as `updated_at` in the body."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Response, request

from quickshop.kernel.clock import rfc3339


def seen(body: dict[str, Any] | None = None) -> frozenset[str] | None:
    """The versions that the caller would change, taken out of the body; None where they name none."""
    stated: datetime | None = body.pop("updated_at", None) if body else None
    if stated is not None:
        return frozenset({rfc3339(stated) or ""})
    tags = {tag.strip().removeprefix("W/").strip('"') for tag in request.headers.get("If-Match", "").split(",")} - {""}
    return frozenset(tags) if tags and "*" not in tags else None


def tag(version: str) -> Mapping[str, str]:
    """The header that names a version."""
    return {"ETag": f'"{version}"'}


def tagged(response: Response, version: str) -> Response:
    """An answer that names the version."""
    response.headers.update(tag(version))
    return response
