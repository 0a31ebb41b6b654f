"""What was sent to whom, over which channel, and whether it arrived there; and having a message sent once more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from quickshop.accounts.people import PersonKey, person_key
from quickshop.accounts.users import place
from quickshop.kernel import db
from quickshop.kernel.clock import now, rfc3339
from quickshop.kernel.errors import Conflict, NotFound
from quickshop.kernel.outbox import TaskHint, dump, write
from quickshop.kernel.pagination import decode_cursor, encode_cursor
from quickshop.notifications.kinds import may_be_sent_again, topic_of
from quickshop.notifications.rendering import KINDS, render
from quickshop.notifications.taking import sealed_place
from quickshop.orders.queries import find_order
from quickshop.orders.viewers import Viewer

NOTIFY = TaskHint("notifications.drain", "notify")
_LARGEST_ID = 2**63 - 1
STATES = ("pending", "sent", "given_up")


class NotResendable(Conflict):
    """A message that must not, or cannot, go out a second time."""

    code, title = "not_resendable", "This message cannot be sent again"


class ResendWaiting(Conflict):
    """Somebody asked for the same a moment ago, and it has not gone out yet."""

    code, title = "resend_waiting", "This message is being sent again already"


_LIST = """
SELECT d.id, d.channel, d.kind, d.state, d.attempts, d.last_error, d.next_run_at, d.happened_at, d.created_at,
       d.sent_at, d.resend_of, d.context, o.number, u.id AS user_id, per.erased_at
FROM deliveries d JOIN persons per ON per.id = d.person_id LEFT JOIN users u ON u.person_id = d.person_id
LEFT JOIN orders o ON o.id = d.order_id
WHERE {where} ORDER BY d.id DESC LIMIT :limit
"""


@dataclass(frozen=True)
class Wanted:
    """Which deliveries staff look for; None asks for all."""

    order: str | None = None
    customer_id: UUID | None = None
    channel: str | None = None
    state: str | None = None


_WHERE = {
    "order": "d.order_id = (SELECT id FROM orders WHERE number = :order)",
    "customer_id": "d.person_id = (SELECT person_id FROM users WHERE id = :customer_id)",
    "channel": "d.channel = :channel",
    "state": "d.state = :state",
}


def list_deliveries(wanted: Wanted, *, limit: int = 24, cursor: str | None = None) -> dict[str, Any]:
    """Deliveries for staff, the last made first: {items, next_cursor}. Nothing personal is among it."""
    params = {name: value for name, value in vars(wanted).items() if value is not None}
    parts = ["true", *(_WHERE[name] for name in params)]
    if cursor:
        parts.append("d.id < :last")
        (params["last"],) = decode_cursor(cursor, int)
    rows = db.rows(_LIST.format(where=" AND ".join(parts)), **params, limit=limit + 1)
    shown = rows[:limit]
    following = encode_cursor(shown[-1].id) if len(rows) > limit else None
    return {"items": [_for_staff(r) for r in shown], "next_cursor": following}


def _for_staff(r: Any) -> dict[str, Any]:
    return {
        **_for_anybody(r),
        "id": r.id,
        "order_number": r.number,
        "customer_id": str(r.user_id) if r.user_id else None,
        "attempts": r.attempts,
        "last_error": r.last_error,
        "next_run_at": rfc3339(r.next_run_at) if r.state == "pending" else None,
        "resend_of": r.resend_of,
        "resendable": r.erased_at is None and r.state != "pending" and _sendable(r.kind, r.channel),
    }


def _for_anybody(r: Any) -> dict[str, Any]:
    return {
        "channel": r.channel,
        "kind": r.kind,
        "topic": topic_of(r.kind) if r.kind in KINDS else None,
        "title": _title(r),
        "state": r.state,
        "happened_at": rfc3339(r.happened_at),
        "sent_at": rfc3339(r.sent_at),
    }


def _title(r: Any) -> str:
    """The subject where nothing personal is in it, as in messages about orders."""
    return render(r.kind, r.context).subject if r.kind in KINDS and r.context.get("number") else r.kind


def _sendable(kind: str, channel: str) -> bool:
    return kind in KINDS and may_be_sent_again(kind) and channel in ("email", "sms")


def paused_channels() -> list[dict[str, Any]]:
    """Channels that are left alone at the moment, why, since when, and how many messages wait for them."""
    rows = db.rows(
        "SELECT channel, since, try_at, reason, (SELECT count(*) FROM deliveries d"
        " WHERE d.channel = p.channel AND d.state = 'pending') AS waiting FROM channel_pauses p ORDER BY channel"
    )
    return [
        {
            "channel": r.channel,
            "since": rfc3339(r.since),
            "try_at": rfc3339(r.try_at),
            "reason": r.reason,
            "waiting": r.waiting,
        }
        for r in rows
    ]


def order_deliveries(number: str, viewer: Viewer) -> list[dict[str, Any]]:
    """What the one who ordered was told of an order, oldest first. Raises NotFound, also for a foreign one."""
    order_id, _ = find_order(number, viewer)
    rows = db.rows(
        "SELECT channel, kind, state, happened_at, sent_at, context FROM deliveries"
        " WHERE order_id = :id ORDER BY happened_at, id LIMIT 500",
        id=order_id,
    )
    return [_for_anybody(r) for r in rows]


_ONE = """
SELECT d.*, per.key_id, per.wrapped_key, u.id AS user_id, u.email AS user_email, u.phone AS user_phone,
       o.user_id AS buyer_id,
       (SELECT count(*) FROM deliveries r WHERE r.resend_of = coalesce(d.resend_of, d.id)) AS resent
FROM deliveries d JOIN persons per ON per.id = d.person_id
LEFT JOIN users u ON u.person_id = d.person_id LEFT JOIN orders o ON o.id = d.order_id
WHERE d.id = :id FOR UPDATE OF d
"""

_AGAIN = """
INSERT INTO deliveries (fact_key, channel, kind, person_id, order_id, sealed, context, locale, happened_at, next_run_at,
                        created_at, resend_of)
VALUES (:fact_key, :channel, :kind, :person_id, :order_id, :sealed, CAST(:context AS jsonb), :locale, :now, :now, :now,
        :resend_of)
RETURNING id
"""


def resend(delivery_id: int) -> int:
    """Have a message sent once more, to where its member is reached now; the new delivery's id. Writes.

    Raises NotFound; NotResendable for what opens an account, for what is not sent yet, for channels that nobody
    carries, and for erased people; ResendWaiting.
    """
    d = db.row(_ONE, id=delivery_id) if delivery_id <= _LARGEST_ID else None
    if d is None:
        raise NotFound("delivery")
    if d.wrapped_key is None or d.state == "pending" or not _sendable(d.kind, d.channel):
        raise NotResendable("Only mails and texts that were sent or given up, and open no account, are sent again.")
    person = person_key(d.person_id, d.key_id, d.wrapped_key)
    fact_key = f"{d.fact_key.partition('~')[0]}~{d.resent + 1}"
    personal = person.unseal(d.sealed, sealed_place(d.fact_key, d.channel))
    sealed = person.seal({**personal, **_reached(d, person)}, sealed_place(fact_key, d.channel))
    try:
        made = db.scalar(
            _AGAIN,
            fact_key=fact_key,
            channel=d.channel,
            kind=d.kind,
            person_id=d.person_id,
            order_id=d.order_id,
            sealed=sealed,
            context=dump(d.context),
            locale=d.locale,
            now=now(),
            resend_of=d.resend_of or d.id,
        )
    except IntegrityError as error:
        if db.constraint(error) in ("uq_deliveries_resend_of", "uq_deliveries_once"):
            raise ResendWaiting("It goes out in a moment.") from error
        raise
    write(tasks=[NOTIFY])
    return int(made)


def _reached(d: Any, person: PersonKey) -> dict[str, str]:
    """Where a member is reached now; an order's mail goes to the order's address, as before."""
    column = {"email": "user_email", "sms": "user_phone"}[d.channel]
    if d.user_id is None or getattr(d, column) is None or (d.channel == "email" and d.order_id is not None):
        return {}
    field = {"email": "email", "sms": "phone"}[d.channel]
    return {"to": person.unseal(getattr(d, column), place(field, d.user_id))}
