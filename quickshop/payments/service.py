"""The verbs of payments: an attempt is written before its call is made, and its outcome recorded after it, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from quickshop.kernel import db
from quickshop.payments.gateways.port import Answer, AnswerState

PROVIDER = "simulator"


@dataclass(frozen=True)
class Attempt:
    """One call: its key never changes. `look_ups` counts definite answers that the gateway never saw it."""

    key: str
    state: str
    look_ups: int
    created_at: datetime


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
    found = db.run(
        _BEGIN,
        order_id=order_id,
        round=round_,
        kind=kind,
        key=attempt_key(order_id, round_, kind),
        amount=amount_minor,
        currency=currency,
        provider=PROVIDER,
    ).one()
    return Attempt(**found._asdict())


def record_authorization(order_id: UUID, round_: int, answer: Answer) -> None:
    """Record what came of an authorisation, and the money it reserved."""
    db.run(
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
    db.run(
        """
        WITH a AS (
            UPDATE payment_attempts SET state = :state, code = :code,
                resolved_at = CASE WHEN :state IN ('succeeded', 'refused') THEN now() END
            WHERE key = :key
        )
        UPDATE payments SET captured_minor = authorized_minor
        WHERE :state = 'succeeded' AND order_id = :order_id AND round = :round
        """,
        key=attempt_key(order_id, round_, "capture"),
        order_id=order_id,
        round=round_,
        state=_attempt_state(answer),
        code=answer.code,
    )


def _attempt_state(answer: Answer) -> str:
    if answer.state in (AnswerState.AUTHORIZED, AnswerState.CAPTURED):
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
