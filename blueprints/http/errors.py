"""The one translation of failures into answers: problem documents (RFC 9457) under the API, pages elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, request
from marshmallow import ValidationError
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from blueprints.http import error_pages, request_id
from blueprints.http.json import dumps
from quickshop.accounts.errors import SessionEnded
from quickshop.kernel.db import constraint, sqlstate
from quickshop.kernel.errors import Invalid, ShopError, Unavailable
from quickshop.kernel.unit_of_work import RETRYABLE

log = logging.getLogger(__name__)

PROBLEM = "application/problem+json"
DOCS = "/api/docs#"
_MACHINE_PATHS = ("/api/", "/healthz", "/readyz", "/metrics", "/socket.io")

# HTTP errors that Flask itself raises: the machine word and the sentence of each.
_HTTP = {
    400: ("bad_request", "Bad request", "The request could not be understood."),
    403: ("forbidden", "Not allowed", "You may not do this."),
    404: ("not_found", "Not found", "There is nothing at this address."),
    405: ("method_not_allowed", "Method not allowed", "This address does not take this method."),
    406: ("not_acceptable", "Not acceptable", "No answer in the form you accept."),
    408: ("request_timeout", "Request timeout", "The request took too long to arrive."),
    411: ("length_required", "Length required", "Send a Content-Length."),
    413: ("body_too_large", "Body too large", "A request body may have 1 MiB at most."),
    414: ("address_too_long", "Address too long", "The address is too long."),
    415: ("unsupported_media_type", "Unsupported media type", "Send application/json."),
    429: ("rate_limited", "Too many requests", "Too many requests; wait a little."),
    431: ("headers_too_large", "Headers too large", "The request's headers are too large."),
    500: ("internal_error", "Internal error", "Something went wrong on our side; it has been noted."),
    503: ("unavailable", "Temporarily unavailable", "Please try again in a moment."),
}
# SQLSTATE classes that mean "not now": connection trouble, out of resources, shutdown, statement timeout.
_AWAY = ("08", "53", "57", "58")


class HttpRefusal(ShopError):
    """An error of HTTP itself, in the shop's own form."""

    def __init__(self, status: int, headers: Mapping[str, str] | None = None, detail: str = "") -> None:
        self.status = status
        self.code, self.title, sentence = _HTTP.get(status, ("http_error", "HTTP error", "The request was refused."))
        super().__init__(detail or sentence, headers=dict(headers or {}))


def problem(error: ShopError) -> dict[str, Any]:
    """The problem document of a refusal, as REST and the socket give it."""
    return {
        "type": DOCS + error.code,
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        **error.extra,
    }


def flat_errors(messages: Any, path: str = "") -> dict[str, list[str]]:
    """Nested validation messages as field path -> list of messages ("payment.token": [...])."""
    if isinstance(messages, Mapping):
        found: dict[str, list[str]] = {}
        for key, value in messages.items():
            inner = path if key == "_schema" else f"{path}.{key}" if path else str(key)
            for name, texts in flat_errors(value, inner).items():
                found.setdefault(name, []).extend(texts)
        return found
    return {path or "body": [str(m) for m in messages] if isinstance(messages, list) else [str(messages)]}


def _of_http(error: HTTPException) -> ShopError:
    headers = {}
    for name, value in error.get_headers():
        if name.lower() in ("allow", "retry-after", "www-authenticate"):
            headers[name] = value
    return HttpRefusal(error.code or 500, headers)


def _of_database(error: DBAPIError) -> ShopError:
    state = sqlstate(error)
    if constraint(error) == "account_erased":
        return SessionEnded()
    if state in RETRYABLE:
        log.warning("a lost race was not won in time: %s", state)
        return Unavailable("Too many people want this at once; please try again.", retry_after=1)
    if error.connection_invalidated or (state or "").startswith(_AWAY) or (state is None and _connection(error)):
        log.warning("the database is away: %s", state or type(error.orig).__name__)
        return Unavailable()
    if isinstance(error, DataError):
        log.error("a value reached the database unchecked", exc_info=error)
        return Invalid({"body": ["A value is out of range."]})
    log.error("database error", exc_info=error)
    return HttpRefusal(500)


def _connection(error: DBAPIError) -> bool:
    return isinstance(error, (OperationalError, InterfaceError))


def as_shop_error(error: BaseException) -> ShopError:
    """Any failure as a refusal; what nobody expected is logged with its trace and becomes a 500."""
    match error:
        case ShopError():
            return error
        case ValidationError():
            return Invalid(flat_errors(error.messages))
        case HTTPException():
            return _of_http(error)
        case PoolTimeout():
            log.warning("no database connection became free in time")
            return Unavailable()
        case DBAPIError():
            return _of_database(error)
        case _:
            log.error("unexpected error", exc_info=error)
            return HttpRefusal(500)


def wants_problem(path: str) -> bool:
    """Whether errors under this path are problem documents (else pages)."""
    return path.startswith(_MACHINE_PATHS)


def problem_response(error: ShopError) -> Response:
    """A refusal as a problem document."""
    body = problem(error) | {"request_id": request_id.current()}
    response = Response(dumps(body), error.status, mimetype=PROBLEM)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    for name, value in error.headers.items():
        response.headers[name] = value
    return response


def answer(error: BaseException) -> Response:
    """The answer to a failed request."""
    if isinstance(error, HTTPException) and error.code and error.code < 400:
        return error.get_response()  # type: ignore[return-value]
    refusal = as_shop_error(error)
    if refusal.status >= 500:
        log.info("answered %s %s", refusal.status, refusal.code)
    return problem_response(refusal) if wants_problem(request.path) else error_pages.page(refusal)


def install_errors(app: Flask) -> None:
    """Register the translation for everything that can be raised."""
    app.register_error_handler(Exception, answer)
    app.register_error_handler(HTTPException, answer)
