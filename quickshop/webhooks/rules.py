"""Rules of webhooks: what can be subscribed to, which URLs can be told, when is tried again. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import orjson

from quickshop.kernel.clock import rfc3339
from quickshop.kernel.errors import Invalid
from quickshop.webhooks.addresses import refused

# Nouns of the facts that are told, with what of them is.
NOUNS = {
    "order": "Orders, from the placing to the last refund or return",
    "product": "Products made and changed, and their prices",
    "stock": "Units counted by staff, and what runs low",
}
EVERYTHING = "*"
TEST = "webhook.test"
MOST_PATTERNS = 40
LONGEST_URL = 2000
LONGEST_NAME = 80

# Seconds until a delivery is tried again after its first, second … failure: about 28 hours in all.
PAUSES = (5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 43_200)
MOST_ATTEMPTS = len(PAUSES) + 1
# The breaker: after so many failures one after the other an endpoint is only probed, with pauses that grow.
OPENS_AFTER = 5
_MOMENT = 2  # before that: what follows is not sent into the same trouble at once
_FIRST_PAUSE = 30
_LONGEST_PAUSE = 3600
GIVES_UP_AFTER_SECONDS = 3 * 24 * 3600
GONE = 410

_TYPE = re.compile(r"[a-z]+\.([a-z]+(_[a-z]+)*|\*)").fullmatch
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?|[0-9A-Fa-f:.]+").fullmatch
_CONTROL_OR_BLANK = re.compile(r"[\x00-\x20\x7f]").search


def pause_after(attempts: int) -> int | None:
    """Seconds until the next try after so many failed ones; None where there is none."""
    return PAUSES[attempts - 1] if attempts < MOST_ATTEMPTS else None


def breaker_pause(failures: int) -> int:
    """Seconds for which nothing is sent after so many failures one after the other."""
    if failures < OPENS_AFTER:
        return _MOMENT
    return int(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(failures - OPENS_AFTER, 10)))


def patterns(wanted: Sequence[str]) -> list[str]:
    """What an endpoint is told of, each once: `*`, `order.*` or a type. Raises Invalid."""
    found = list(dict.fromkeys(wanted))
    if not 0 < len(found) <= MOST_PATTERNS:
        raise Invalid({"events": [f"Name 1 to {MOST_PATTERNS} types of event, or * for all."]})
    for pattern in found:
        if pattern != EVERYTHING and (not _TYPE(pattern) or pattern.partition(".")[0] not in NOUNS):
            known = ", ".join(f"{noun}.*" for noun in NOUNS)
            raise Invalid({"events": [f"Write * for all, {known}, or a type such as order.placed."]})
    return [EVERYTHING] if EVERYTHING in found else found


def url(wanted: str, private: bool) -> str:
    """An address that events can be sent to, as it is kept. `private` allows http:// and addresses of this network.

    Where a name leads is looked at whenever something is sent. Raises Invalid.
    """
    typed = wanted.strip()
    try:
        parts = urlsplit(typed)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _not_url("This is not an address.") from None
    if len(typed) > LONGEST_URL or not typed.isascii() or _CONTROL_OR_BLANK(typed):
        raise _not_url(f"An address has {LONGEST_URL} characters at most, and none that must be encoded.")
    if parts.scheme not in (("http", "https") if private else ("https",)):
        raise _not_url("The address must begin with https://.")
    if not host or not _HOST(host) or port == 0:
        raise _not_url("The address needs a host.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise _not_url("Leave out user, password and anything behind #.")
    _check_number(host, private)
    return typed


def _check_number(host: str, private: bool) -> None:
    """A host that is written as a number can be judged at once."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return
    if refused(host, private):
        raise _not_url("This address lies in a network that webhooks may not reach.")


def _not_url(sentence: str) -> Invalid:
    return Invalid({"url": [sentence]})


def body(event_id: UUID, seq: int, type_: str, at: datetime, data: dict[str, Any]) -> bytes:
    """What is sent of an event: the same bytes whenever it is sent."""
    told = {"id": str(event_id), "seq": seq, "type": type_, "timestamp": rfc3339(at), "data": data}
    return orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
