"""Refusals as clients of the socket see them: the same problem documents that REST gives."""

from __future__ import annotations

import logging
from typing import Any

from sqlalchemy.exc import DBAPIError, TimeoutError

from quickshop.kernel import tracing
from quickshop.kernel.errors import ShopError, Unauthenticated, Unavailable
from quickshop.kernel.ids import new_id

log = logging.getLogger(__name__)

_DOCS = "/api/docs#"


class TokenInvalid(Unauthenticated):
    """The token is forged, broken, of another kind or for somebody else."""

    code, title = "token_invalid", "The token is not valid"


class TokenExpired(Unauthenticated):
    """The token was ours and its time is over."""

    code, title = "token_expired", "The token has expired"


class TooManyMessages(ShopError):
    """The client sends faster than it may."""

    status, code, title = 429, "rate_limited", "Too many messages"


class TooManySockets(ShopError):
    """This member, or this process, holds as many sockets as it may."""

    status, code, title = 429, "too_many_sockets", "Too many open sockets"


class TooManyTopics(ShopError):
    """One socket follows as many topics as it may."""

    status, code, title = 429, "too_many_topics", "Too many topics on one socket"


class UnknownMessage(ShopError):
    """There is no such message."""

    status, code, title = 404, "unknown_message", "Unknown message"


class SlowConsumer(ShopError):
    """The client does not take its events; it may come back and resume."""

    status, code, title = 429, "slow_consumer", "Events are not taken fast enough"


class InternalError(ShopError):
    """Something went wrong on our side."""

    status, code, title = 500, "internal_error", "Internal error"


def as_shop_error(error: Exception) -> ShopError:
    """Any failure as a refusal; what nobody expected is logged with its trace."""
    if isinstance(error, ShopError):
        return error
    if isinstance(error, (DBAPIError, TimeoutError)):
        log.warning("the database is away: %s", type(error).__name__)
        return Unavailable()
    log.error("a socket handler failed (request %s)", tracing.request_id(), exc_info=error)
    return InternalError("Something went wrong on our side; it has been noted.")


def problem(error: ShopError) -> dict[str, Any]:
    """The problem document of a refusal."""
    return {
        "type": _DOCS + error.code,
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "request_id": tracing.request_id() or str(new_id()),
        **error.extra,
    }
