"""The calls of the shop, /v1/charges and below, as bare WSGI.

Under load these are the only calls there are, on the same cores as the shop; request and response objects
would double their cost.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIEnvironment

import orjson

from quickshop.runtime.doubles.gateway import Gateway, NoAnswer
from quickshop.runtime.doubles.inputs import LARGEST_BODY, read_charge, read_operation, read_page
from quickshop.runtime.doubles.ledger import OPERATIONS
from quickshop.runtime.doubles.refusals import Refused

PREFIX = "/v1/charges"
_CALLS_PER_TURN = 8
_REASONS = {
    200: "200 OK",
    201: "201 Created",
    400: "400 Bad Request",
    404: "404 Not Found",
    405: "405 Method Not Allowed",
    409: "409 Conflict",
    413: "413 Content Too Large",
    503: "503 Service Unavailable",
}


def drop_connection(environ: WSGIEnvironment) -> None:
    """Cut the caller's connection, if the server lets us at it; what is written after it goes nowhere."""
    connection = environ.get("gunicorn.sock") or environ.get("gunicorn.socket")
    if connection is None:
        return
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the caller hung up first


class ChargesApi:
    """A WSGI program for PREFIX. `latency` seconds are added to every call that moves money."""

    def __init__(self, gateway: Gateway, latency: float) -> None:
        self._gateway = gateway
        self._latency = latency
        self._calls = 0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        # A busy connection whose next request is always there already would never let the others in.
        self._calls += 1
        if self._calls % _CALLS_PER_TURN == 0:
            time.sleep(0)
        try:
            status, document = self._route(environ)
        except Refused as refusal:
            status, document = refusal.status, {"code": refusal.code, "detail": refusal.detail}
        except NoAnswer as silence:
            time.sleep(silence.seconds)
            drop_connection(environ)
            status, document = 503, {"code": "no_answer", "detail": "This answer is never meant to arrive."}
        except OSError as trouble:
            status, document = 503, {"code": "ledger_unavailable", "detail": str(trouble)}
        body = orjson.dumps(document)
        start_response(_REASONS[status], [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return (body,)

    def _route(self, environ: WSGIEnvironment) -> tuple[int, dict[str, Any]]:
        method = environ["REQUEST_METHOD"]
        parts = environ["PATH_INFO"][len(PREFIX) :].split("/")
        if parts == [""]:
            if method == "POST":
                return self._authorize(environ)
            if method == "GET":
                return self._look_up(environ)
        elif len(parts) == 2 and not parts[0] and method == "GET":
            charge = self._gateway.charge(parts[1])
            return 200, self._gateway.view(charge, charge.present)
        elif len(parts) == 3 and parts[2] in OPERATIONS and method == "POST":
            return self._operate(environ, parts[1], parts[2])
        else:
            raise Refused(404, "not_found", "No such address.")
        raise Refused(405, "method_not_allowed", "Not with this method.")

    def _authorize(self, environ: WSGIEnvironment) -> tuple[int, dict[str, Any]]:
        wanted = read_charge(environ["wsgi.input"].read(LARGEST_BODY + 1))
        if self._latency:
            time.sleep(self._latency)
        return 201, self._gateway.authorize(wanted)

    def _operate(self, environ: WSGIEnvironment, charge_id: str, kind: str) -> tuple[int, dict[str, Any]]:
        key, amount = read_operation(kind, environ["wsgi.input"].read(LARGEST_BODY + 1))
        if self._latency:
            time.sleep(self._latency)
        return 200, self._gateway.operate(kind, charge_id, key, amount)

    def _look_up(self, environ: WSGIEnvironment) -> tuple[int, dict[str, Any]]:
        query = parse_qs(environ.get("QUERY_STRING", ""))
        if "since" in query:
            return 200, {"items": self._gateway.page(*read_page(query))}
        key = query.get("key")
        if not key:
            raise Refused(400, "invalid_request", "key is missing.")
        return 200, {"items": self._gateway.look_up(key[0])}
