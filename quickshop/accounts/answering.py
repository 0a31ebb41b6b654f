"""Answers what was asked of an address without a session: a mail where it belongs to somebody, nothing elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from quickshop.accounts import asking, recovering, registering
from quickshop.kernel import facts
from quickshop.kernel.crypto import SealBroken

log = logging.getLogger(__name__)

_ANSWERS: dict[str, Callable[[str], None]] = {
    asking.RECOVERY_ASKED: recovering.send_link,
    asking.VERIFICATION_ASKED: registering.send_link,
}


def answer_waiting(limit: int) -> int:
    """Answer up to `limit` requests; how many there were. Writes; the caller commits."""
    taken = facts.take(asking.CONSUMER, limit)
    for fact in taken:
        _answer(fact)
    return len(taken)


def _answer(fact: Any) -> None:
    try:
        email = asking.address(fact.type, fact.data)
    except SealBroken:
        log.warning("a request of type %s cannot be read any more and is dropped", fact.type)
        return
    _ANSWERS[fact.type](email)
