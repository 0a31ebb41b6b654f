"""Turns facts into deliveries: who is told of each, over which channels, in which language. Once per fact and channel.

Facts are taken by one worker at a time, in the order in which they happened, so that each person's messages stand in
that order; sending them is everybody's.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from quickshop.accounts import log
from quickshop.accounts.answering import answer_waiting
from quickshop.accounts.people import PersonKey, person_key
from quickshop.accounts.permissions import Permission
from quickshop.accounts.preferences import CHANNELS, wanted_channels
from quickshop.accounts.users import place
from quickshop.kernel import db, facts
from quickshop.kernel.clock import now
from quickshop.kernel.events import Fact
from quickshop.kernel.ids import new_id
from quickshop.kernel.money import money
from quickshop.kernel.outbox import dump
from quickshop.notifications.channels.registry import offered
from quickshop.notifications.kinds import topic_of, worth
from quickshop.notifications.rendering import KINDS

CREATED = "notification.created"
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(727016)"


@dataclass(frozen=True)
class News:
    """A fact as it is told to one person. `personal` is sealed; `context` is not, so nothing personal is in it.

    `email` and `phone` are where they are reached, None where they are not; a guest has no `user_id`.
    """

    fact_key: str
    kind: str
    person: PersonKey
    user_id: UUID | None
    email: str | None
    happened_at: datetime
    personal: Mapping[str, Any] = field(repr=False)
    context: Mapping[str, Any] = field(default_factory=dict)
    phone: str | None = None
    order_id: UUID | None = None
    locale: str = "en"


def take_facts(limit: int) -> int:
    """Take up to `limit` facts, and answer as many requests of visitors; of which more were taken, how many. Writes."""
    db.run(_ONE_AT_A_TIME)
    asked = answer_waiting(limit)
    taken = facts.take("notifications", limit)
    known = [f for f in taken if f.type in KINDS]
    orders = [f for f in known if "order_id" in f.data]
    theirs = [f for f in known if "sealed" in f.data]
    staffs = [f for f in known if f.type in _KEPT_BY]
    news = [*_of_orders(orders), *_of_people(theirs), *(n for f in staffs for n in _of_staff(f))]
    _tell(sorted(news, key=lambda n: n.happened_at))
    return max(asked, len(taken))


# --- who is told what -----------------------------------------------------------------------------------

_ORDERS = """
SELECT e.order_id, e.seq, e.type, e.at, e.data, o.number, o.user_id, o.total_minor, o.currency, o.email,
       o.shipping_address, per.id AS person_id, per.key_id, per.wrapped_key, u.locale, u.phone
FROM (SELECT DISTINCT * FROM jsonb_to_recordset(CAST(:wanted AS jsonb)) AS x (order_id uuid, seq bigint)) w
JOIN order_events e ON e.order_id = w.order_id AND e.seq = w.seq
JOIN orders o ON o.id = e.order_id JOIN persons per ON per.id = o.person_id
LEFT JOIN users u ON u.id = o.user_id
WHERE per.wrapped_key IS NOT NULL
ORDER BY e.at, e.order_id, e.seq
"""


def _of_orders(taken: Sequence[Any]) -> list[News]:
    if not taken:
        return []
    wanted = [{"order_id": f.data["order_id"], "seq": f.data["seq"]} for f in taken]
    return [_of_order(r) for r in db.rows(_ORDERS, wanted=dump(wanted))]


def _of_order(r: Any) -> News:
    person = person_key(r.person_id, r.key_id, r.wrapped_key)
    address = person.unseal(r.shipping_address, f"orders/shipping_address/{r.order_id}")
    return News(
        fact_key=f"{r.order_id}:{r.seq}",
        kind=r.type,
        person=person,
        user_id=r.user_id,
        email=person.unseal(r.email, f"orders/email/{r.order_id}"),
        happened_at=r.at,
        personal={"name": address["name"]},
        context={
            "number": r.number,
            "order_id": str(r.order_id),
            "guest": r.user_id is None,
            "total": money(r.total_minor, r.currency),
            "data": r.data,
        },
        phone=_phone(person, r.phone, r.user_id),
        order_id=r.order_id,
        locale=r.locale or "en",
    )


_PEOPLE = """
SELECT per.id, per.key_id, per.wrapped_key, u.id AS user_id, u.locale, u.phone
FROM persons per LEFT JOIN users u ON u.person_id = per.id WHERE per.id = ANY(:ids) AND per.wrapped_key IS NOT NULL
"""


def _of_people(taken: Sequence[Any]) -> list[News]:
    """What some room left for one person, sealed with their key, with the address it is for (`accounts.mailing`)."""
    if not taken:
        return []
    people = {r.id: r for r in db.rows(_PEOPLE, ids=list({UUID(f.data["person_id"]) for f in taken}))}
    found = ((f, people.get(UUID(f.data["person_id"]))) for f in taken)
    return [_of_person(f, r) for f, r in found if r is not None]


def _of_person(fact: Any, r: Any) -> News:
    person = person_key(r.id, r.key_id, r.wrapped_key)
    subject = fact.data.get("subject") or fact.data["user_id"]
    content = person.unseal(base64.b64decode(fact.data["sealed"]), f"pending_facts/data/{subject}")
    return News(
        fact_key=fact.data.get("once") or f"fact:{fact.id}",
        kind=fact.type,
        person=person,
        user_id=r.user_id,
        email=content.pop("email", None),
        happened_at=fact.created_at,
        personal=content,
        phone=_phone(person, r.phone, r.user_id),
        locale=r.locale or content.get("locale") or "en",
    )


# What those who keep a part of the shop are told of, and what they must be allowed to do with it.
_KEPT_BY = {
    "stock.low_found": Permission.CATALOG_WRITE,
    "webhook.endpoint_given_up": Permission.WEBHOOKS_WRITE,
}

_KEEPERS = """
SELECT u.id, u.email, u.first_name, u.phone, u.locale, per.id AS person_id, per.key_id, per.wrapped_key
FROM users u JOIN persons per ON per.id = u.person_id
WHERE u.disabled_at IS NULL AND per.wrapped_key IS NOT NULL AND EXISTS (
    SELECT FROM user_roles ur JOIN roles r ON r.name = ur.role
    WHERE ur.user_id = u.id AND :permission = ANY(r.permissions))
ORDER BY u.id
"""


def _of_staff(fact: Any) -> Iterable[News]:
    """A fact about a part of the shop, for everybody who keeps that."""
    for r in db.rows(_KEEPERS, permission=str(_KEPT_BY[fact.type])):
        person = person_key(r.person_id, r.key_id, r.wrapped_key)
        yield News(
            fact_key=f"{fact.type}:{fact.data.get('once', fact.id)}:{r.id}",
            kind=fact.type,
            person=person,
            user_id=r.id,
            email=person.unseal(r.email, place("email", r.id)),
            happened_at=fact.created_at,
            personal={"first_name": person.unseal(r.first_name, place("first_name", r.id))},
            context=fact.data,
            phone=_phone(person, r.phone, r.id),
            locale=r.locale,
        )


def _phone(person: PersonKey, sealed: bytes | None, user_id: UUID | None) -> str | None:
    found: str | None = person.unseal(sealed, place("phone", user_id)) if sealed and user_id else None
    return found


# --- over which channels --------------------------------------------------------------------------------


def _tell(news: Sequence[News]) -> None:
    """Write the deliveries of these news and, of those that are new, what lies in inboxes."""
    members = {n.user_id for n in news if n.user_id is not None}
    wanted = wanted_channels(members)
    chosen = [(n, _channels(n, wanted)) for n in news]
    devices = _devices({n.user_id for n, channels in chosen if n.user_id and "push" in channels})
    rows = [row for n, channels in chosen for channel in channels for row in _rows(n, channel, devices)]
    if rows:
        _write(rows, [_in_inbox(n) for n, channels in chosen if "inbox" in channels])


def _channels(n: News, wanted: Mapping[UUID, Mapping[str, frozenset[str]]]) -> list[str]:
    """The channels a person is told over: guests by mail, members as they chose, each where they can be reached."""
    chosen = wanted[n.user_id].get(topic_of(n.kind), frozenset()) if n.user_id else frozenset({"email"})
    reached = {"email": n.email, "sms": n.phone, "inbox": n.user_id, "push": n.user_id}
    return [c for c in CHANNELS if c in chosen and worth(n.kind, c) and reached[c] and offered(c)]


def _devices(user_ids: set[UUID]) -> dict[UUID, list[bytes]]:
    found: dict[UUID, list[bytes]] = {}
    if user_ids:
        sql = "SELECT user_id, token_index FROM push_devices WHERE user_id = ANY(:ids) ORDER BY created_at, token_index"
        for r in db.rows(sql, ids=list(user_ids)):
            found.setdefault(r.user_id, []).append(bytes(r.token_index))
    return found


def sealed_place(fact_key: str, channel: str) -> str:
    """What the sealed part of a delivery is bound to."""
    return f"deliveries/sealed/{fact_key}" + ("" if channel == "email" else f"/{channel}")


def _rows(n: News, channel: str, devices: Mapping[UUID, Sequence[bytes]]) -> list[dict[str, Any]]:
    to = {"email": n.email, "sms": n.phone}.get(channel)
    sealed = n.person.seal({**n.personal, **({"to": to} if to else {})}, sealed_place(n.fact_key, channel))
    row = {
        "fact_key": n.fact_key,
        "channel": channel,
        "kind": n.kind,
        "person_id": str(n.person.id),
        "order_id": str(n.order_id) if n.order_id else None,
        "sealed": base64.b64encode(sealed).decode(),
        "context": n.context,
        "locale": n.locale,
        "happened_at": n.happened_at.isoformat(),
    }
    if channel != "push" or n.user_id is None:
        return [row]
    return [{**row, "device": base64.b64encode(index).decode()} for index in devices.get(n.user_id, [])]


def _in_inbox(n: News) -> dict[str, Any]:
    message_id = new_id()
    sealed = n.person.seal(dict(n.personal), f"inbox_messages/sealed/{message_id}")
    return {
        "id": str(message_id),
        "user_id": str(n.user_id),
        "fact_key": n.fact_key,
        "kind": n.kind,
        "order_id": str(n.order_id) if n.order_id else None,
        "sealed": base64.b64encode(sealed).decode(),
        "context": n.context,
        "at": n.happened_at.isoformat(),
    }


# What lies in an inbox is there: nobody has to carry it.
_WRITE = """
WITH made AS (
    INSERT INTO deliveries (fact_key, channel, device, kind, person_id, order_id, sealed, context, locale, state,
                            happened_at, next_run_at, created_at, sent_at)
    SELECT fact_key, channel, coalesce(decode(device, 'base64'), ''), kind, person_id, order_id,
           decode(sealed, 'base64'), context, locale, CASE WHEN channel = 'inbox' THEN 'sent' ELSE 'pending' END,
           happened_at, :now, :now, CASE WHEN channel = 'inbox' THEN CAST(:now AS timestamptz) END
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x (fact_key text, channel text, device text, kind text,
        person_id uuid, order_id uuid, sealed text, context jsonb, locale text, happened_at timestamptz)
    ON CONFLICT (fact_key, channel, device) DO NOTHING
    RETURNING fact_key, channel
)
INSERT INTO inbox_messages (id, user_id, fact_key, kind, order_id, sealed, context, at)
SELECT i.id, i.user_id, i.fact_key, i.kind, i.order_id, decode(i.sealed, 'base64'), i.context, i.at
FROM jsonb_to_recordset(CAST(:inbox AS jsonb)) AS i (id uuid, user_id uuid, fact_key text, kind text, order_id uuid,
    sealed text, context jsonb, at timestamptz)
JOIN made ON made.channel = 'inbox' AND made.fact_key = i.fact_key
ON CONFLICT (user_id, fact_key) DO NOTHING
RETURNING id, user_id, kind, context->>'number' AS number, at
"""


def _write(rows: Sequence[Mapping[str, Any]], inbox: Sequence[Mapping[str, Any]]) -> None:
    laid = db.rows(_WRITE, rows=dump(rows), inbox=dump(inbox), now=now())
    if laid:
        _announce(sorted(laid, key=lambda r: (r.at, r.id)))


def _announce(laid: Sequence[Any]) -> None:
    """Tell the account's log of what came into inboxes: its id, kind and what it is about, and how many are unread."""
    unread = {
        r.user_id: r.n
        for r in db.rows(
            "SELECT user_id, count(*) AS n FROM inbox_messages"
            " WHERE user_id = ANY(:users) AND read_at IS NULL GROUP BY user_id",
            users=list({r.user_id for r in laid}),
        )
    }
    log.append_each(
        [
            (
                r.user_id,
                Fact(CREATED, {"id": str(r.id), "kind": r.kind, "number": r.number, "unread": unread[r.user_id]}),
            )
            for r in laid
        ]
    )
