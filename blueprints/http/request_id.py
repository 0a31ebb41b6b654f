"""Gives every request an id: the caller's `X-Request-ID` where it is well-formed, else one of ours."""

from __future__ import annotations

import itertools
import os
import re
import secrets

from flask import Flask, Response, g, request

from quickshop.kernel.tracing import set_request_id

HEADER = "X-Request-ID"
_FORM = re.compile(r"[A-Za-z0-9._:-]{1,128}").fullmatch
_counter = itertools.count(1)
_prefixes: dict[int, str] = {}


def _made() -> str:
    """A random prefix per process and a count: unique, and cheaper than a random id per request."""
    pid = os.getpid()
    prefix = _prefixes.get(pid)
    if prefix is None:
        prefix = _prefixes[pid] = secrets.token_hex(8)
    return f"{prefix}-{next(_counter):x}"


def _begin() -> None:
    given = request.headers.get(HEADER)
    g.request_id = given if given and _FORM(given) else _made()
    set_request_id(g.request_id)


def _end(response: Response) -> Response:
    response.headers[HEADER] = current()
    return response


def current() -> str:
    """The id of the request in hand."""
    found = g.get("request_id")
    if found is None:
        _begin()
        found = g.request_id
    return str(found)


def install_request_ids(app: Flask) -> None:
    """Take or make the id first, return it last."""
    app.before_request(_begin)
    app.after_request(_end)
