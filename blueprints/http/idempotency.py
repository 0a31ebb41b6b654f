"""Idempotency-Key on views: the same key and body give the first answer again. Goes inside `@commits`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, g, request

from blueprints.http.json import JSON
from quickshop.extensions import settings
from quickshop.kernel import idempotency
from quickshop.kernel.crypto import blind_index, digest

HEADER = "Idempotency-Key"
View = Callable[..., Response]


def _caller(named: str | None) -> str:
    """Whose keys these are: the member's, else of whoever holds the bearer token of the guest's cart or order."""
    if named:
        return named
    caller = g.caller
    if caller.user_id is not None:
        return f"user:{caller.user_id}"
    if caller.api_key_id is not None:
        return f"key:{caller.api_key_id}"
    for header, kind in (("X-Cart-Token", "cart"), ("X-Order-Token", "order"), ("X-Ticket-Token", "ticket")):
        token = request.headers.get(header)
        if token:
            # The whole token, so that an invented one with the right id reads nobody's answer.
            return f"{kind}:{digest(token).hex()}"
    return f"guest:{blind_index(settings().index_key, 'address', request.remote_addr or '').hex()}"


def idempotent(*, required: bool, caller: Callable[[], str] | None = None) -> Callable[[View], View]:
    """Bind the view's 2xx answer to the caller's key, in the view's own transaction.

    `caller` says whose key it is ("cart:<id>") where the member's id or the bearer header does not.
    Raises KeyRequired, KeyInvalid, KeyReused, InProgress.
    """

    def decorator(view: View) -> View:
        @wraps(view)
        def bound(*args: Any, **kwargs: Any) -> Response:
            key = request.headers.get(HEADER)
            if key is None and not required:
                return view(*args, **kwargs)
            place = idempotency.slot(
                _caller(caller() if caller else None),
                f"{request.method} {request.path}",
                idempotency.check_key(key),
                request.get_data(),
            )
            stored = idempotency.enter(place)
            if stored is not None:
                return Response(stored.body, stored.status, {"Idempotent-Replayed": "true"}, mimetype=JSON)
            response = view(*args, **kwargs)
            if 200 <= response.status_code < 300:
                idempotency.bind(place, response.status_code, response.get_data())
            return response

        bound.idempotency_key = "required" if required else "accepted"  # type: ignore[attr-defined]
        return bound

    return decorator
