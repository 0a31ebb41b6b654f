"""What orders could have in common with others, as keyed digests: account, card, address, device. Nothing in the clear.

Written with the order, read by `verifying`, deleted after some days.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from quickshop.extensions import settings
from quickshop.kernel import db
from quickshop.kernel.crypto import blind_index
from quickshop.shop.rules import MOST_MINUTES

_PRUNED_AT_ONCE = 5000


def index(kind: str, value: str | None) -> bytes | None:
    """The digest of a signal; None where there is none."""
    return blind_index(settings().index_key, f"signal/{kind}", value) if value else None


def place_words(address: Mapping[str, Any]) -> str:
    """An address as it is compared: without the name on it, without spaces, signs and capitals."""
    parts = (address.get(name) or "" for name in ("country", "postal_code", "city", "line1", "line2"))
    return "\0".join("".join(sign for sign in part.casefold() if sign.isalnum()) for part in parts)


def note_round(order_id: UUID, payment_token: str | None) -> None:
    """Count another try to pay, for the order's account and the new card."""
    db.run(
        """
        INSERT INTO order_signals (order_id, round, account, card, countries)
        SELECT s.order_id, o.payment_round, s.account, :card, s.countries
        FROM order_signals s JOIN orders o ON o.id = s.order_id WHERE s.order_id = :id AND s.round = 1
        """,
        id=order_id,
        card=index("card", payment_token),
    )


def note_card(order_id: UUID, payment_round: int, fingerprint: str, country: str | None) -> None:
    """Count the card itself, as the provider knows it: another token may be the same card."""
    db.run_along(
        "UPDATE order_signals SET fingerprint = :fingerprint, card_country = :country"
        " WHERE order_id = :id AND round = :round",
        id=order_id,
        round=payment_round,
        fingerprint=index("fingerprint", fingerprint),
        country=country,
    )


def note_decline(order_id: UUID, payment_round: int) -> None:
    """Remember that the card was declined."""
    db.run(
        "UPDATE order_signals SET declined = true WHERE order_id = :id AND round = :round",
        id=order_id,
        round=payment_round,
    )


def prune() -> int:
    """Delete what no rule can look at any more; how many. Writes; the caller commits."""
    found = db.rows(
        """
        DELETE FROM order_signals WHERE (order_id, round) IN (
            SELECT order_id, round FROM order_signals WHERE at < now() - make_interval(mins => :minutes, days => 1)
            LIMIT :most FOR UPDATE SKIP LOCKED)
        RETURNING 1
        """,
        minutes=MOST_MINUTES,
        most=_PRUNED_AT_ONCE,
    )
    return len(found)
