"""The verbs of payments: an attempt is written before its call is made, and its outcome recorded after it, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from quickshop.extensions import settings
from quickshop.kernel import db
from quickshop.payments.gateways.port import Answer, AnswerState
from quickshop.payments.rules import KEYS_LAST_SECONDS

_DONE = (AnswerState.AUTHORIZED, AnswerState.CAPTURED, AnswerState.VOIDED, AnswerState.REFUNDED)


@dataclass(frozen=True)
class Attempt:
    """One call: its key never changes. `look_ups` counts definite answers that the gateway never saw it."""

    key: str
    state: str
    look_ups: int
    created_at: datetime


@dataclass(frozen=True)
class Refund:
    """A refund that was asked for and whose outcome is not known yet. The amount is in minor units."""

    key: str
    amount_minor: int
    state: str
    created_at: datetime


@dataclass(frozen=True)
class Taken:
    """The money that was taken for an order, in minor units: how much of it went back, and how much is on its way."""

    round: int
    currency: str
    captured_minor: int
    refunded_minor: int
    refunding_minor: int

    @property
    def left_minor(self) -> int:
        """What can still be given back."""
        return self.captured_minor - self.refunded_minor - self.refunding_minor


def attempt_key(order_id: UUID, round_: int, kind: str) -> str:
    """The key of the one attempt of this kind in this round of paying: the same after every crash."""
    return f"{order_id}:{round_}:{kind}"


_BEGIN = """
WITH p AS (
    INSERT INTO payments (order_id, round, provider, currency, amount_minor)
    VALUES (:order_id, :round, :provider, :currency, :amount) ON CONFLICT DO NOTHING
), a AS (
    INSERT INTO payment_attempts (key, order_id, round, kind, amount_minor)
    VALUES (:key, :order_id, :round, :kind, :amount) ON CONFLICT (key) DO NOTHING
    RETURNING key, state, look_ups, created_at
)
SELECT key, state, look_ups, created_at FROM a
UNION ALL SELECT key, state, look_ups, created_at FROM payment_attempts WHERE key = :key LIMIT 1
"""


def begin(order_id: UUID, round_: int, kind: str, amount_minor: int, currency: str) -> Attempt:
    """The attempt of this kind, written as `sent` if it is new. Commit before making the call."""
    found = db.run(_BEGIN, **_attempt(order_id, round_, kind, amount_minor, currency)).one()
    return Attempt(**found._asdict())


def begin_along(order_id: UUID, round_: int, kind: str, amount_minor: int, currency: str) -> None:
    """Write the attempt as `begin` does where nothing of it needs to be known yet."""
    db.run_along(_BEGIN, **_attempt(order_id, round_, kind, amount_minor, currency))


def _attempt(order_id: UUID, round_: int, kind: str, amount_minor: int, currency: str) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "round": round_,
        "kind": kind,
        "key": attempt_key(order_id, round_, kind),
        "amount": amount_minor,
        "currency": currency,
        "provider": settings().payment_provider,
    }


def attempt_of(order_id: UUID, round_: int, kind: str) -> Attempt | None:
    """The attempt of this kind in this round, where there is one."""
    found = db.row(
        "SELECT key, state, look_ups, created_at FROM payment_attempts WHERE key = :key",
        key=attempt_key(order_id, round_, kind),
    )
    return Attempt(**found._asdict()) if found else None


def reference(order_id: UUID, round_: int) -> str | None:
    """The provider's reference of the charge, where we know it."""
    found: str | None = db.scalar(
        "SELECT provider_ref FROM payments WHERE order_id = :id AND round = :round", id=order_id, round=round_
    )
    return found


def give_up(order_id: UUID, round_: int, kind: str) -> bool:
    """Nobody can say what came of an attempt: it stays so until staff or the reconciliation decide.

    False where there was none, or it is over.
    """
    changed = db.run(
        "UPDATE payment_attempts SET state = 'given_up' WHERE key = :key AND state IN ('sent', 'unknown')",
        key=attempt_key(order_id, round_, kind),
    )
    return bool(changed.rowcount)


def take_up(order_id: UUID, round_: int) -> None:
    """Have what was given up of a round of paying asked again under its own key.

    A call that may have to be repeated whole is repeated only while the provider still knows keys; else, and where
    it may have been voided, the charge is only looked for.
    """
    db.run(
        """
        UPDATE payment_attempts a SET state = CASE
            WHEN a.created_at > now() - make_interval(secs => :known) AND NOT EXISTS (
                SELECT FROM payment_attempts v
                WHERE v.order_id = a.order_id AND v.round = a.round AND v.kind = 'void') THEN 'sent'
            ELSE 'unknown' END
        WHERE a.order_id = :id AND a.round = :round AND a.kind <> 'refund' AND a.state = 'given_up'
        """,
        id=order_id,
        round=round_,
        known=KEYS_LAST_SECONDS,
    )


def record_authorization(order_id: UUID, round_: int, answer: Answer) -> None:
    """Record what came of an authorisation, and the money it reserved."""
    db.run_along(
        """
        WITH a AS (
            UPDATE payment_attempts SET code = :code, look_ups = look_ups + :unseen,
                -- Once in doubt, only an outcome ends the doubt: a failed look-up says nothing about the charge.
                state = CASE WHEN state = 'unknown' AND :state = 'sent' THEN 'unknown' ELSE :state END,
                resolved_at = CASE WHEN :state IN ('succeeded', 'refused') THEN now() END
            WHERE key = :key
        )
        UPDATE payments SET provider_ref = coalesce(:ref, provider_ref),
            authorized_minor = CASE WHEN :state = 'succeeded' THEN amount_minor ELSE authorized_minor END
        WHERE order_id = :order_id AND round = :round
        """,
        key=attempt_key(order_id, round_, "authorize"),
        order_id=order_id,
        round=round_,
        state=_attempt_state(answer),
        code=answer.code,
        ref=answer.provider_ref,
        unseen=1 if answer.state is AnswerState.NOT_FOUND else 0,
    )


def record_capture(order_id: UUID, round_: int, answer: Answer) -> None:
    """Record what came of a capture, and the money it took."""
    db.run_along(
        """
        WITH a AS (
            UPDATE payment_attempts SET state = :state, code = :code,
                resolved_at = CASE WHEN :state IN ('succeeded', 'refused') THEN now() END
            WHERE key = :key
        )
        UPDATE payments SET captured_minor = authorized_minor, voided_at = NULL
        WHERE :state = 'succeeded' AND order_id = :order_id AND round = :round
        """,
        key=attempt_key(order_id, round_, "capture"),
        order_id=order_id,
        round=round_,
        state=_attempt_state(answer),
        code=answer.code,
    )


def record_void(order_id: UUID, round_: int, answer: Answer) -> None:
    """Record what came of letting a reservation go."""
    db.run(
        """
        WITH a AS (
            UPDATE payment_attempts SET state = :state, code = :code,
                resolved_at = CASE WHEN :state IN ('succeeded', 'refused') THEN now() END
            WHERE key = :key
        )
        UPDATE payments SET provider_ref = coalesce(provider_ref, :ref), voided_at = now()
        WHERE :state = 'succeeded' AND order_id = :order_id AND round = :round
        """,
        key=attempt_key(order_id, round_, "void"),
        order_id=order_id,
        round=round_,
        state=_attempt_state(answer),
        code=answer.code,
        ref=answer.provider_ref,
    )


def record_nothing_reserved(order_id: UUID, round_: int) -> None:
    """Record that nothing is reserved any more, or never was: the provider said so when it was asked."""
    db.run(
        """
        WITH a AS (
            UPDATE payment_attempts SET resolved_at = now(),
                state = CASE kind WHEN 'void' THEN 'succeeded' ELSE 'refused' END
            WHERE order_id = :order_id AND round = :round AND kind IN ('authorize', 'void')
              AND state NOT IN ('succeeded', 'refused')
        )
        UPDATE payments SET voided_at = now()
        WHERE order_id = :order_id AND round = :round AND authorized_minor > 0 AND captured_minor = 0
        """,
        order_id=order_id,
        round=round_,
    )


def count_unseen(order_id: UUID, round_: int) -> None:
    """Count a definite answer that the provider never saw the charge."""
    db.run(
        "UPDATE payment_attempts SET look_ups = look_ups + 1, code = 'not_found' WHERE key = :key",
        key=attempt_key(order_id, round_, "authorize"),
    )


# What went back at the provider without us (in its own pages) counts too, unless refunds of ours are on their way.
_TAKEN = """
WITH a AS (
    UPDATE payment_attempts SET resolved_at = now(),
        state = CASE kind WHEN 'void' THEN 'refused' ELSE 'succeeded' END
    WHERE order_id = :order_id AND round = :round AND kind IN ('authorize', 'capture', 'void')
      AND state NOT IN ('succeeded', 'refused')
)
UPDATE payments SET provider_ref = coalesce(provider_ref, :ref), authorized_minor = amount_minor,
    captured_minor = :captured, voided_at = NULL,
    refunded_minor = CASE WHEN refunding_minor = 0 THEN greatest(refunded_minor, :refunded) ELSE refunded_minor END
WHERE order_id = :order_id AND round = :round
"""


def record_taken(order_id: UUID, round_: int, answer: Answer) -> None:
    """Record that money was taken after all, as the provider tells of the charge."""
    db.run(
        _TAKEN,
        order_id=order_id,
        round=round_,
        ref=answer.provider_ref,
        captured=answer.captured_minor,
        refunded=answer.refunded_minor,
    )


# --- refunds -------------------------------------------------------------------------------------------


def taken(order_id: UUID) -> Taken | None:
    """The money taken for an order, or None where none was. The caller holds the order's lock."""
    found = db.row(
        "SELECT round, currency, captured_minor, refunded_minor, refunding_minor FROM payments"
        " WHERE order_id = :id AND captured_minor > 0",
        id=order_id,
    )
    return Taken(**found._asdict()) if found else None


# Finished refunds count too: a number is never used twice.
_ASK = """
WITH n AS (
    SELECT coalesce(max(number), 0) + 1 AS number FROM payment_attempts
    WHERE order_id = :order_id AND round = :round AND kind = 'refund'
), p AS (
    UPDATE payments SET refunding_minor = refunding_minor + :amount WHERE order_id = :order_id AND round = :round
)
INSERT INTO payment_attempts (key, order_id, round, kind, number, amount_minor, reason)
SELECT :prefix || ':' || n.number, :order_id, :round, 'refund', n.number, :amount, :reason FROM n RETURNING number
"""


def ask_refund(order_id: UUID, round_: int, amount_minor: int, reason: str | None) -> int:
    """Write a refund that is to be made, under a key of its own; its number. The caller holds the order's lock.

    The database refuses more than is left of what was taken.
    """
    return int(
        db.scalar(
            _ASK,
            order_id=order_id,
            round=round_,
            amount=amount_minor,
            reason=reason,
            prefix=attempt_key(order_id, round_, "refund"),
        )
    )


def next_refund(order_id: UUID) -> Refund | None:
    """The oldest refund of an order that is still to be made or whose outcome is unknown."""
    found = db.row(
        "SELECT key, amount_minor, state, created_at FROM payment_attempts"
        " WHERE order_id = :id AND kind = 'refund' AND state IN ('sent', 'unknown') ORDER BY round, number LIMIT 1",
        id=order_id,
    )
    return Refund(**found._asdict()) if found else None


_REFUNDED = """
WITH a AS (
    UPDATE payment_attempts SET state = :state, code = :code,
        resolved_at = CASE WHEN :state IN ('succeeded', 'refused') THEN now() END
    WHERE key = :key AND state NOT IN ('succeeded', 'refused') RETURNING order_id, round, amount_minor
)
UPDATE payments p SET
    refunding_minor = refunding_minor - CASE WHEN :state IN ('succeeded', 'refused') THEN a.amount_minor ELSE 0 END,
    refunded_minor = refunded_minor + CASE WHEN :state = 'succeeded' THEN a.amount_minor ELSE 0 END
FROM a WHERE p.order_id = a.order_id AND p.round = a.round
"""


def record_refund(key: str, answer: Answer) -> None:
    """Record what came of a refund, and the money that went back."""
    db.run(_REFUNDED, key=key, state=_attempt_state(answer), code=answer.code)


def give_up_refund(key: str) -> None:
    """Nobody can say what came of a refund; its amount stays set aside until that is known."""
    db.run("UPDATE payment_attempts SET state = 'given_up' WHERE key = :key AND state IN ('sent', 'unknown')", key=key)


def _attempt_state(answer: Answer) -> str:
    if answer.state in _DONE:
        return "succeeded"
    if answer.state in (AnswerState.DECLINED, AnswerState.REFUSED):
        return "refused"
    # Never reached, or a definite failure: the same call may simply be made again.
    return "sent" if answer.retriable else "unknown"


def keep_webhook(provider: str, event_id: str, payload: str) -> bool:
    """Keep what a provider told us; False where we were told before."""
    kept = db.run(
        "INSERT INTO payment_webhooks (provider, event_id, payload)"
        " VALUES (:provider, :event_id, CAST(:payload AS jsonb)) ON CONFLICT DO NOTHING",
        provider=provider,
        event_id=event_id,
        payload=payload,
    )
    return bool(kept.rowcount)


def order_of_attempt(key: str) -> UUID | None:
    """The order an attempt's key belongs to."""
    found: UUID | None = db.scalar("SELECT order_id FROM payment_attempts WHERE key = :key", key=key)
    return found
