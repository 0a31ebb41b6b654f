"""Reads of support: a shopper's own conversations, and the inbox of staff. Notes are read for staff alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from quickshop.accounts.people import PersonKey, email_index, person_key
from quickshop.kernel import db
from quickshop.kernel.clock import rfc3339
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.pagination import decode_cursor, page
from quickshop.orders.viewers import Viewer
from quickshop.support.holders import Holder
from quickshop.support.states import Side, State
from quickshop.support.telling import shown_topic

SHOP = "QuickShop"
NOBODY = "Somebody who was forgotten"

_TICKETS = """
SELECT t.id, t.number, t.person_id, t.user_id, t.order_id, t.email, t.subject, t.state, t.assignee_id, t.version,
       t.created_at, t.moved_at, t.closed_at, per.key_id, per.wrapped_key, o.number AS order_number,
       o.user_id IS NULL AND o.id IS NOT NULL AS of_guest, o.shipping_address, o.email AS order_email,
       u.username, u.email AS user_email, u.first_name, u.last_name, u.vip, a.username AS assignee
FROM tickets t JOIN persons per ON per.id = t.person_id
LEFT JOIN orders o ON o.id = t.order_id LEFT JOIN users u ON u.id = t.user_id LEFT JOIN users a ON a.id = t.assignee_id
"""
_MESSAGES = """
SELECT m.id, m.seq, m.side, m.author_id, m.body, m.at, a.username, a.first_name,
       ap.id AS person_id, ap.key_id, ap.wrapped_key
FROM ticket_messages m LEFT JOIN users a ON a.id = m.author_id AND m.side <> 'customer'
LEFT JOIN persons ap ON ap.id = a.person_id
WHERE m.ticket_id = :id AND m.side = ANY(:sides) ORDER BY m.seq
"""
_FILES = """
SELECT id, message_id, name, type, size FROM ticket_attachments
WHERE ticket_id = :id AND message_id IS NOT NULL ORDER BY id
"""
PUBLIC = (Side.CUSTOMER, Side.STAFF)


# --- the shopper's side --------------------------------------------------------------------------------


def own_tickets(holder: Holder, *, limit: int = 24, cursor: str | None = None) -> dict[str, Any]:
    """The conversations of a member, or of the guest of an order, those first that moved last: {items, next_cursor}.

    Raises NotFound for whoever is neither, Invalid.
    """
    if holder.user_id is not None:
        column, owner = "t.user_id", holder.user_id
    elif holder.order_id is not None:
        column, owner = "t.user_id IS NULL AND t.order_id", holder.order_id
    else:
        raise NotFound("order")
    return _listed([f"{column} = :owner"], {"owner": owner}, limit, cursor, newest=True, document=_own_item)


def own_ticket(ticket_id: UUID, holder: Holder) -> dict[str, Any]:
    """One's own conversation with all that was said. Raises NotFound."""
    row = _row(ticket_id)
    if not holder.may_see(row):
        raise NotFound("ticket")
    return {
        **_own_item(row),
        "closed_at": rfc3339(row.closed_at),
        "topic": shown_topic(row.id),
        "messages": _messages(row, PUBLIC, f"/api/v1/tickets/{row.id}/attachments", _shown_name),
    }


def check_own(ticket_id: UUID, holder: Holder) -> None:
    """Raises NotFound unless it is the holder's conversation; for a look before a large body is read."""
    if not holder.may_see(_row(ticket_id)):
        raise NotFound("ticket")


def tickets_of_order(order_id: UUID, viewer: Viewer) -> list[dict[str, Any]]:
    """The conversations about an order that its viewer may open, the newest first."""
    found = db.rows(f"{_TICKETS} WHERE t.order_id = :order ORDER BY t.id DESC", order=order_id)
    holder = Holder(viewer.user_id, viewer.order_token)
    return [_own_item(row) for row in found if viewer.staff or holder.may_see(row)]


def _own_item(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "number": row.number,
        "subject": _subject(row),
        "state": row.state,
        "order": row.order_number,
        "created_at": rfc3339(row.created_at),
        "updated_at": rfc3339(row.moved_at),
    }


# --- staff ---------------------------------------------------------------------------------------------


def inbox(
    *,
    state: str | None = None,
    assignee: UUID | None = None,
    unassigned: bool = False,
    order: str | None = None,
    limit: int = 24,
    cursor: str | None = None,
) -> dict[str, Any]:
    """Conversations for staff: {items, next_cursor}. Those that wait come first in, first out; else what moved last.

    Raises Invalid.
    """
    parts, params = ["true"], dict[str, Any]()
    for part, name, value in (
        ("t.state = :state", "state", state),
        ("t.assignee_id = :assignee", "assignee", assignee),
        ("o.number = :order", "order", order),
    ):
        if value is not None:
            parts.append(part)
            params[name] = value
    if unassigned:
        parts.append("t.assignee_id IS NULL")
    return _listed(parts, params, limit, cursor, newest=state != State.OPEN, document=_staff_item)


def staff_ticket(ticket_id: UUID) -> dict[str, Any]:
    """One conversation for staff, with its notes. Raises NotFound."""
    row = _row(ticket_id)
    files = f"/api/v1/admin/tickets/{row.id}/attachments"
    return {
        **_staff_item(row),
        "closed_at": rfc3339(row.closed_at),
        "messages": _messages(row, tuple(Side), files, lambda m: m.username or SHOP),
    }


def counts(user_id: UUID | None) -> dict[str, int]:
    """How many conversations wait for staff: in all, nobody's, and this person's."""
    row: Any = db.row(
        "SELECT count(*) AS open, count(*) FILTER (WHERE assignee_id IS NULL) AS unassigned,"
        " count(*) FILTER (WHERE assignee_id = :me) AS mine FROM tickets WHERE state = 'open'",
        me=user_id,
    )
    return {"open": row.open, "unassigned": row.unassigned, "mine": row.mine}


def first_name(ticket_id: UUID) -> str:
    """How to address the shopper, as far as we know: an empty text for who gave no name. Raises NotFound."""
    row = _row(ticket_id)
    person = _key(row)
    name = _name(row, person) if person else ""
    return name.split()[0] if name and "@" not in name else ""


def _staff_item(row: Any) -> dict[str, Any]:
    person = _key(row)
    return {
        **_own_item(row),
        "version": row.version,
        "assignee": {"id": str(row.assignee_id), "username": row.assignee} if row.assignee_id else None,
        "customer": {
            "id": str(row.user_id) if row.user_id else None,
            "name": _name(row, person) if person else NOBODY,
            "email": _email(row, person) if person else None,
            "vip": bool(row.vip),
        },
    }


def _email(row: Any, person: PersonKey) -> str:
    if row.user_id is not None:
        return str(person.unseal(row.user_email, f"users/email/{row.user_id}"))
    if row.email is not None:
        return str(person.unseal(row.email, f"tickets/email/{row.id}"))
    return str(person.unseal(row.order_email, f"orders/email/{row.order_id}"))


def _name(row: Any, person: PersonKey) -> str:
    """How the shopper is called: a guest by the name on the parcel, or else by their address."""
    if row.user_id is not None:
        names = [person.unseal(getattr(row, c), f"users/{c}/{row.user_id}") for c in ("first_name", "last_name")]
        return " ".join(name for name in names if name)
    if row.of_guest:
        address = person.unseal(row.shipping_address, f"orders/shipping_address/{row.order_id}")
        return str(address["name"])
    return _email(row, person)


# --- whose it is -----------------------------------------------------------------------------------------


def persons_of_address(email: str) -> list[PersonKey]:
    """The keys that seal what somebody wrote without an account and without an order, from this address."""
    found = db.rows(
        "SELECT p.id, p.key_id, p.wrapped_key FROM tickets t JOIN persons p ON p.id = t.person_id"
        " WHERE t.email_index = :index AND p.wrapped_key IS NOT NULL ORDER BY p.id",
        index=email_index(email),
    )
    return [person_key(row.id, row.key_id, row.wrapped_key) for row in found]


# --- what both read ------------------------------------------------------------------------------------


def _row(ticket_id: UUID) -> Any:
    row = db.row(f"{_TICKETS} WHERE t.id = :id", id=ticket_id)
    if row is None:
        raise NotFound("ticket")
    return row


def _listed(
    parts: Sequence[str], given: Mapping[str, Any], limit: int, cursor: str | None, *, newest: bool, document: Any
) -> dict[str, Any]:
    where, params = list(parts), {**given, "limit": limit + 1}
    if cursor:
        moved_at, last = _place(cursor)
        where.append(f"(t.moved_at, t.id) {'<' if newest else '>'} (:moved_at, :last)")
        params |= {"moved_at": moved_at, "last": last}
    order = "DESC" if newest else "ASC"
    found = db.rows(
        f"{_TICKETS} WHERE {' AND '.join(where)} ORDER BY t.moved_at {order}, t.id {order} LIMIT :limit", **params
    )
    shown, following = page(found, limit, "moved_at", "id")
    return {"items": [document(row) for row in shown], "next_cursor": following}


def _place(cursor: str) -> tuple[datetime, UUID]:
    try:
        moved_at, last = decode_cursor(cursor, str, str)
        at = datetime.fromisoformat(moved_at)
        if at.tzinfo is None:
            raise ValueError("no place of a list")
        return at, UUID(last)
    except ValueError:
        raise Invalid({"cursor": ["Not a cursor of this list."]}) from None


def _key(row: Any) -> PersonKey | None:
    return person_key(row.person_id, row.key_id, row.wrapped_key) if row.wrapped_key is not None else None


def _subject(row: Any) -> str:
    person = _key(row)
    return str(person.unseal(row.subject, f"tickets/subject/{row.id}")) if person else ""


def _shown_name(message: Any) -> str | None:
    """How whoever answered is called to the shopper: by their first name."""
    if message.side == Side.CUSTOMER:
        return None
    if message.first_name is None or message.wrapped_key is None:
        return SHOP
    person = person_key(message.person_id, message.key_id, message.wrapped_key)
    return str(person.unseal(message.first_name, f"users/first_name/{message.author_id}"))


def _messages(ticket: Any, sides: Collection[Side], address: str, name: Any) -> list[dict[str, Any]]:
    person = _key(ticket)
    if person is None:
        return []
    files: dict[UUID, list[dict[str, Any]]] = {}
    for file in db.rows(_FILES, id=ticket.id):
        shown = {
            "id": str(file.id),
            "name": person.unseal(file.name, f"ticket_attachments/name/{file.id}"),
            "type": file.type,
            "size": file.size,
            "url": f"{address}/{file.id}",
        }
        files.setdefault(file.message_id, []).append(shown)
    return [
        {
            "id": str(m.id),
            "by": m.side,
            "name": name(m) if m.side != Side.CUSTOMER else None,
            "body": person.unseal(m.body, f"ticket_messages/body/{m.id}"),
            "at": rfc3339(m.at),
            "attachments": files.get(m.id, []),
        }
        for m in db.rows(_MESSAGES, id=ticket.id, sides=[str(side) for side in sides])
    ]
