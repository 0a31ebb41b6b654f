"""Having providers keep cards no more whose owner removed them or was erased, however long a provider is silent.

The token waits sealed under the shop's own key: the person's is destroyed with them. It says nothing of the person.
"""

from __future__ import annotations

import base64
import logging
from collections import Counter
from datetime import timedelta
from typing import Any

from quickshop.extensions import settings
from quickshop.kernel import db, facts
from quickshop.kernel.clock import now
from quickshop.kernel.master_keys import keyring
from quickshop.kernel.outbox import dump
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.payments.gateways.port import AnswerState
from quickshop.payments.gateways.registry import UnknownProvider, gateway_for

log = logging.getLogger(__name__)

CONSUMER = "cards"
TO_FORGET = "payment_method.to_forget"
AT_ONCE = 100
# After so long without an answer nobody will give one; nobody can name the card here any more.
GIVEN_UP = timedelta(days=30)
_PLACE = f"pending_facts/data/{TO_FORGET}"


def leave(provider: str, token: str) -> None:
    """Leave a card to be forgotten by its provider. Writes; the caller commits."""
    facts.leave(CONSUMER, TO_FORGET, _data(provider, token))


def forget_cards() -> int:
    """Have the cards that wait forgotten; how many were. Runs its own units around the calls. Safe to run in parallel.

    A provider that does not answer, or is not set up any more, is asked again next time.
    """
    with reading():
        waiting = db.rows(
            "SELECT id, data, created_at FROM pending_facts WHERE consumer = :consumer ORDER BY id LIMIT :most",
            consumer=CONSUMER,
            most=AT_ONCE,
        )
    forgotten, silent = 0, set[str]()
    for card in waiting:
        provider = card.data["provider"]
        if provider not in silent and _forgets(provider, card.data):
            forgotten += 1
        else:
            silent.add(provider)
            if card.created_at > now() - GIVEN_UP:
                continue
            log.warning("%s was asked for a month to keep a card no more, and did not say that it does", provider)
        run_unit(lambda card=card: db.run("DELETE FROM pending_facts WHERE id = :id", id=card.id))  # type: ignore[misc]
    return forgotten


def _forgets(provider: str, data: dict[str, Any]) -> bool:
    try:
        gateway = gateway_for(provider, settings())
    except UnknownProvider:
        log.warning("nobody answers for the cards kept at %s", provider)
        return False
    token = keyring().unseal(base64.b64decode(data["sealed"]), _PLACE)
    return gateway.forget(str(token)).state is not AnswerState.UNKNOWN


def in_use() -> dict[str, int]:
    """How many tokens wait under each master key."""
    return Counter(keyring().key_id_of(base64.b64decode(card.data["sealed"])) for card in facts.look(CONSUMER))


def reseal() -> int:
    """Seal what waits under the current master key; how many. Writes; the caller commits. Raises SealBroken."""
    old = [
        card for card in _waiting() if keyring().key_id_of(base64.b64decode(card.data["sealed"])) != keyring().current
    ]
    for card in old:
        token = str(keyring().unseal(base64.b64decode(card.data["sealed"]), _PLACE))
        db.run(
            "UPDATE pending_facts SET data = CAST(:data AS jsonb) WHERE id = :id",
            id=card.id,
            data=dump(_data(card.data["provider"], token)),
        )
    return len(old)


def _waiting() -> list[Any]:
    sql = "SELECT id, data FROM pending_facts WHERE consumer = :consumer ORDER BY id FOR UPDATE SKIP LOCKED"
    return db.rows(sql, consumer=CONSUMER)


def _data(provider: str, token: str) -> dict[str, str]:
    return {"provider": provider, "sealed": base64.b64encode(keyring().seal(token, _PLACE)).decode()}
