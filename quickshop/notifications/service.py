"""Telling people what happened: facts become deliveries, once per fact and channel, and deliveries are sent.

A delivery is claimed and committed before it is sent; what fails is tried again with growing pauses.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from quickshop.accounts.answering import answer_waiting
from quickshop.accounts.people import PersonKey, person_key
from quickshop.accounts.permissions import Permission
from quickshop.accounts.preferences import unwilling
from quickshop.extensions import settings
from quickshop.kernel import db, facts
from quickshop.kernel.money import money
from quickshop.kernel.outbox import dump
from quickshop.kernel.unit_of_work import run_unit
from quickshop.notifications.channels.files import FileChannel, SinkChannel
from quickshop.notifications.channels.port import Channel, Message
from quickshop.notifications.channels.smtp import SmtpChannel
from quickshop.notifications.messages import KINDS, render
from quickshop.orders.viewers import order_token

BATCH = 100
MOST_ATTEMPTS = 40  # with pauses of up to an hour: more than a day of a dead mail server


def email_channel() -> Channel:
    """The channel that carries e-mail here."""
    s = settings()
    if s.mail_backend == "smtp":
        return SmtpChannel(s.smtp_url, s.mail_from)
    return FileChannel(s.mail_file) if s.mail_backend == "file" else SinkChannel()


def drain() -> int:
    """Answer all requests that wait, take all facts and send all that is due; how many messages went out.

    Safe to run in parallel.
    """
    sent = 0
    while True:
        taken = run_unit(lambda: _take_facts(BATCH))
        sent += deliver_due()
        if taken < BATCH:
            return sent


def _take_facts(limit: int) -> int:
    """Turn facts into deliveries, those first that answer a request; of which of the two more were taken, how many."""
    asked = answer_waiting(limit)
    taken = facts.take("notifications", limit)
    known = [f for f in taken if f.type in KINDS]
    orders = [f for f in known if f.type.startswith("order.")]
    theirs = [f for f in known if not f.type.startswith(("order.", "stock."))]
    rows = _order_rows(orders) + [_personal_row(f) for f in theirs]
    rows += [row for f in known if f.type.startswith("stock.") for row in _staff_rows(f)]
    db.run_many(
        """
        INSERT INTO deliveries (fact_key, channel, kind, person_id, sealed, context)
        VALUES (:fact_key, 'email', :kind, :person_id, :sealed, CAST(:context AS jsonb))
        ON CONFLICT (fact_key, channel, device) DO NOTHING
        """,
        [r for r in rows if r],
    )
    return max(asked, len(taken))


_ORDERS = """
SELECT e.order_id, e.seq, e.type, e.data, o.number, o.user_id, o.total_minor, o.currency, o.email,
       o.shipping_address, per.id AS person_id, per.key_id, per.wrapped_key
FROM jsonb_to_recordset(CAST(:wanted AS jsonb)) AS w (order_id uuid, seq bigint)
JOIN order_events e ON e.order_id = w.order_id AND e.seq = w.seq
JOIN orders o ON o.id = e.order_id JOIN persons per ON per.id = o.person_id
"""


def _order_rows(taken: Sequence[Any]) -> list[dict[str, Any] | None]:
    if not taken:
        return []
    found = db.rows(_ORDERS, wanted=dump([f.data for f in taken]))
    quiet = unwilling({r.user_id for r in found if r.user_id is not None}, "orders", "email")
    return [_order_row(r) for r in found if r.user_id not in quiet]


def _order_row(r: Any) -> dict[str, Any] | None:
    if r.wrapped_key is None:
        return None
    person = person_key(r.person_id, r.key_id, r.wrapped_key)
    address = person.unseal(r.shipping_address, f"orders/shipping_address/{r.order_id}")
    personal = {
        "email": person.unseal(r.email, f"orders/email/{r.order_id}"),
        "name": address["name"],
    }
    context = {
        "number": r.number,
        "order_id": str(r.order_id),
        "guest": r.user_id is None,
        "total": money(r.total_minor, r.currency),
        "data": r.data,
    }
    return _row(f"{r.order_id}:{r.seq}", r.type, person, personal, context)


def _personal_row(fact: Any) -> dict[str, Any] | None:
    person = db.row("SELECT id, key_id, wrapped_key FROM persons WHERE id = :id", id=UUID(fact.data["person_id"]))
    if person is None or person.wrapped_key is None:
        return None
    owner = person_key(person.id, person.key_id, person.wrapped_key)
    subject = fact.data.get("subject") or fact.data["user_id"]
    personal = owner.unseal(base64.b64decode(fact.data["sealed"]), f"pending_facts/data/{subject}")
    return _row(fact.data.get("once") or f"fact:{fact.id}", fact.type, owner, personal, {})


_KEEPERS = """
SELECT u.id, u.email, u.first_name, per.id AS person_id, per.key_id, per.wrapped_key
FROM users u JOIN persons per ON per.id = u.person_id
WHERE u.disabled_at IS NULL AND per.wrapped_key IS NOT NULL AND EXISTS (
    SELECT FROM user_roles ur JOIN roles r ON r.name = ur.role
    WHERE ur.user_id = u.id AND :permission = ANY(r.permissions))
ORDER BY u.id
"""


def _staff_rows(fact: Any) -> list[dict[str, Any]]:
    """A message about stock for everybody who keeps the catalogue."""
    made = []
    for r in db.rows(_KEEPERS, permission=str(Permission.CATALOG_WRITE)):
        person = person_key(r.person_id, r.key_id, r.wrapped_key)
        personal = {
            "email": person.unseal(r.email, f"users/email/{r.id}"),
            "first_name": person.unseal(r.first_name, f"users/first_name/{r.id}"),
        }
        made.append(_row(f"fact:{fact.id}:{r.id}", fact.type, person, personal, fact.data))
    return made


def _row(
    fact_key: str, kind: str, person: PersonKey, personal: dict[str, Any], context: dict[str, Any]
) -> dict[str, Any]:
    return {
        "fact_key": fact_key,
        "kind": kind,
        "person_id": person.id,
        "sealed": person.seal(personal, f"deliveries/sealed/{fact_key}"),
        "context": dump(context),
    }


_CLAIM = """
WITH due AS (
    SELECT id FROM deliveries WHERE state = 'pending' AND next_run_at <= now()
    ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED
)
UPDATE deliveries d SET attempts = attempts + 1,
    next_run_at = now() + make_interval(secs => least(3600, 30 * power(2, least(d.attempts, 7))) * :jitter)
FROM due, persons per WHERE d.id = due.id AND per.id = d.person_id
RETURNING d.id, d.fact_key, d.kind, d.sealed, d.context, d.attempts, per.id AS person_id, per.key_id, per.wrapped_key
"""


def deliver_due() -> int:
    """Send every delivery that is due, in order; how many were accepted."""
    sent = 0
    channel = email_channel()
    while True:
        due = run_unit(lambda: db.rows(_CLAIM, limit=BATCH, jitter=random.uniform(0.8, 1.2)))
        if not due:
            return sent
        due.sort(key=lambda d: d.id)
        answers = channel.send([m for d in due if (m := _message(d)) is not None]) if due else []
        outcomes = _pair(due, answers)
        run_unit(lambda outcomes=outcomes: _record(outcomes))  # type: ignore[misc]
        sent += sum(1 for _, error in outcomes if error is None)


def _pair(due: Sequence[Any], answers: Sequence[str | None]) -> list[tuple[Any, str | None]]:
    """Each delivery with its answer; the deliveries of erased people get none and are given up."""
    rest = iter(answers)
    return [(d, next(rest) if d.wrapped_key is not None else "erased") for d in due]


def _message(delivery: Any) -> Message | None:
    if delivery.wrapped_key is None:
        return None
    person = person_key(delivery.person_id, delivery.key_id, delivery.wrapped_key)
    personal = person.unseal(delivery.sealed, f"deliveries/sealed/{delivery.fact_key}")
    context = {**delivery.context, **personal, "public_url": settings().public_url}
    if "number" in context:
        context["link"] = _order_link(context)
    subject, text, html = render(delivery.kind, context)
    return Message(delivery.fact_key.replace(":", "."), personal["email"], subject, text, html)


def _order_link(context: dict[str, Any]) -> str:
    link = f"{context['public_url']}/orders/{context['number']}"
    return f"{link}?token={order_token(UUID(context['order_id']))}" if context["guest"] else link


def _record(outcomes: Sequence[tuple[Any, str | None]]) -> None:
    db.run_along(
        "UPDATE deliveries SET state = 'sent', sent_at = clock_timestamp(), last_error = NULL WHERE id = ANY(:ids)",
        ids=[d.id for d, error in outcomes if error is None],
    )
    for delivery, error in outcomes:
        if error is not None:
            over = error == "erased" or delivery.attempts >= MOST_ATTEMPTS
            db.run(
                "UPDATE deliveries SET last_error = :error, state = :state WHERE id = :id",
                id=delivery.id,
                error=error,
                state="given_up" if over else "pending",
            )
