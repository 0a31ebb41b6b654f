"""What shoppers do with support: open a conversation, write, close it. What staff do is in `answering`.

Facts: ticket.opened, ticket.message_added and ticket.changed, on the ticket's topic and in a member's log.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from quickshop.accounts import users
from quickshop.accounts.people import PersonKey, email_index, new_person, person_key
from quickshop.kernel import db
from quickshop.kernel.clock import now
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.ids import new_id
from quickshop.orders.queries import find_order
from quickshop.orders.viewers import Viewer, order_of_token
from quickshop.support import messages, rules, telling
from quickshop.support.errors import TicketClosed, TooManyTickets
from quickshop.support.holders import Holder
from quickshop.support.holding import Held, hold
from quickshop.support.messages import Said
from quickshop.support.states import STATE, Side, State

_DAY = timedelta(days=1)
_LATER = 3600  # seconds after which somebody with too many conversations may ask again


@dataclass(frozen=True)
class Wish:
    """What a conversation begins with; `order` is the number of the order that it is about."""

    subject: str
    said: Said
    order: str | None = None


def open_as_member(user_id: UUID, wish: Wish) -> UUID:
    """Open a conversation of a member; its id.

    Raises NotFound for an order that is not theirs, Invalid, TooManyTickets. Writes; the caller commits.
    """
    member = users.to_seal_for(user_id)
    users.lock(user_id)
    _check_room("user_id", user_id)
    order_id = find_order(wish.order, Viewer(user_id=user_id))[0] if wish.order else None
    return _open(member.person, wish, user_id=user_id, order_id=order_id)


def open_for_order(order_token: str, wish: Wish) -> UUID:
    """Open a conversation of the guest who holds an order's token; its id.

    Raises NotFound, Invalid, TooManyTickets. Writes; the caller commits.
    """
    order = db.row(
        "SELECT o.id, o.number, p.id AS person_id, p.key_id, p.wrapped_key"
        " FROM orders o JOIN persons p ON p.id = o.person_id WHERE o.id = :id AND o.user_id IS NULL"
        " FOR NO KEY UPDATE OF p",
        id=order_of_token(order_token),
    )
    if order is None or wish.order not in (None, order.number):
        raise NotFound("order")
    _check_room("order_id", order.id)
    return _open(person_key(order.person_id, order.key_id, order.wrapped_key), wish, order_id=order.id)


def open_for_address(email: str, wish: Wish) -> UUID:
    """Open a conversation for whoever owns an address: only the link that is mailed there opens it; its id.

    Anybody may type any address, so no order can be named, and a few a day are the most that one gets.
    Files wait until the link was followed. Raises NotFound where an order is named, Invalid, TooManyTickets. Writes;
    the caller commits.
    """
    if wish.order:
        raise NotFound("order")
    if wish.said.files:
        raise Invalid({"files": ["Please send files once you have opened the link that we mail you."]})
    index = email_index(email)
    # Openings for one address wait for each other, so that they can be counted.
    db.run("SELECT pg_advisory_xact_lock(:key)", key=int.from_bytes(index[:8], "big", signed=True))
    lately = db.scalar(
        "SELECT count(*) FROM tickets WHERE email_index = :index AND created_at > :since",
        index=index,
        since=now() - _DAY,
    )
    if lately >= rules.MOST_OF_ADDRESS_A_DAY:
        raise TooManyTickets("There were several questions from this address today; please use their links.", _LATER)
    return _open(new_person(), wish, email=email.strip(), index=index)


def _check_room(column: str, owner: UUID) -> None:
    open_ = db.scalar(f"SELECT count(*) FROM tickets WHERE {column} = :owner AND state <> 'closed'", owner=owner)
    if open_ >= rules.MOST_OPEN:
        raise TooManyTickets("Please close a conversation before you open another one.", _LATER)


_OPEN = """
INSERT INTO tickets (id, person_id, user_id, order_id, email, email_index, subject, created_at, moved_at)
VALUES (:id, :person, :user, :order, :email, :index, :subject, :at, :at)
RETURNING id, number, user_id, order_id, email, state, assignee_id, message_count, version
"""


def _open(
    person: PersonKey,
    wish: Wish,
    *,
    user_id: UUID | None = None,
    order_id: UUID | None = None,
    email: str | None = None,
    index: bytes | None = None,
) -> UUID:
    ticket_id = new_id()
    ticket: Any = db.row(
        _OPEN,
        id=ticket_id,
        person=person.id,
        user=user_id,
        order=order_id,
        email=person.seal(email, f"tickets/email/{ticket_id}") if email else None,
        index=index,
        subject=person.seal(rules.line("subject", wish.subject, rules.LONGEST_SUBJECT), f"tickets/subject/{ticket_id}"),
        at=now(),
    )
    messages.add(Held(ticket, person), Side.CUSTOMER, user_id, wish.said, State.OPEN)
    telling.shopper(ticket, telling.OPENED)
    telling.staff(ticket_id, telling.OPENED, state=str(State.OPEN))
    telling.mail(telling.RECEIVED, ticket, person)
    return ticket_id


def say(ticket_id: UUID, holder: Holder, said: Said) -> UUID:
    """Write to staff, which opens a solved conversation again; the message's id.

    Raises NotFound, Invalid, TicketClosed, TicketFull. Writes; the caller commits.
    """
    held = _held_by(ticket_id, holder)
    if held.row.state == State.CLOSED:
        raise TicketClosed
    message_id = messages.add(held, Side.CUSTOMER, held.row.user_id, said, State.OPEN)
    added = {"message_id": str(message_id), "by": str(Side.CUSTOMER)}
    telling.shopper(held.row, telling.MESSAGE_ADDED, **added)
    telling.staff(ticket_id, telling.MESSAGE_ADDED, state=str(State.OPEN), **added)
    return message_id


def close(ticket_id: UUID, holder: Holder) -> None:
    """Say that it is over; again changes nothing. Raises NotFound. Writes; the caller commits."""
    held = _held_by(ticket_id, holder)
    if held.row.state == State.CLOSED:
        return
    move(held, State.CLOSED)
    telling.shopper(held.row, telling.CHANGED, state=str(State.CLOSED))
    telling.staff(ticket_id, telling.CHANGED, state=str(State.CLOSED))


def _held_by(ticket_id: UUID, holder: Holder) -> Held:
    held = hold(ticket_id)
    if not holder.may_see(held.row):
        raise NotFound("ticket")
    return held


def move(held: Held, state: State) -> None:
    """Put a locked ticket into another state; staff who look at it must look again. Raises WrongState."""
    STATE.check(held.row.state, state)
    db.run(
        "UPDATE tickets SET state = :state, version = version + 1, moved_at = :at,"
        " closed_at = CASE WHEN :closed THEN CAST(:at AS timestamptz) END WHERE id = :id",
        state=str(state),
        closed=state is State.CLOSED,
        at=now(),
        id=held.row.id,
    )
