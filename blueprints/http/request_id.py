"""Every request's id: the caller's `X-Request-ID` where it is well-formed, else one of ours."""

from __future__ import annotations

import itertools
import os
import re
import secrets

from quickshop.kernel import tracing
from quickshop.kernel.cards import holds_card_number

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


def begin(given: str | None) -> str:
    """Take or make the id of the request that begins here."""
    found = given if given and _FORM(given) and not holds_card_number(given) else _made()
    tracing.set_request_id(found)
    return found


def current() -> str:
    """The id of the request in hand."""
    return tracing.request_id() or begin(None)
