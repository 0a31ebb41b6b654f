"""What staff do with conversations: answer, note, take them and give them on, say where they stand."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from quickshop.accounts.callers import Caller
from quickshop.accounts.permissions import Permission
from quickshop.kernel import db
from quickshop.kernel.errors import Invalid
from quickshop.support import messages, telling
from quickshop.support.errors import TicketChanged
from quickshop.support.holding import Held, hold
from quickshop.support.messages import Said
from quickshop.support.service import move
from quickshop.support.states import STATE, Side, State

KEEP: Any = object()  # in place of an assignee: leave it as it is


def reply(ticket_id: UUID, by: Caller, said: Said, state: State = State.ANSWERED) -> UUID:
    """Answer the shopper, who is mailed that there is an answer; the message's id. `state`: answered or solved.

    Whoever answers what is nobody's takes it. Raises NotFound, Invalid, WrongState for a closed one, TicketFull.
    Facts: ticket.message_added. Writes; the caller commits.
    """
    if state not in (State.ANSWERED, State.SOLVED):
        raise Invalid({"state": ["answered or solved."]})
    held = hold(ticket_id)
    if held.row.state != state:
        STATE.check(held.row.state, state)
    message_id = messages.add(held, Side.STAFF, by.user_id, said, state)
    if held.row.assignee_id is None and by.user_id is not None:
        _assign(held, by.user_id)
    added = {"message_id": str(message_id), "by": str(Side.STAFF), "state": str(state)}
    telling.shopper(held.row, telling.MESSAGE_ADDED, **added)
    telling.staff(ticket_id, telling.MESSAGE_ADDED, **added)
    telling.mail(telling.ANSWERED, held.row, held.person)
    return message_id


def note(ticket_id: UUID, by: Caller, said: Said) -> UUID:
    """Note something for other staff; no shopper is shown or told of it. The note's id.

    Raises NotFound, Invalid, TicketFull. Writes; the caller commits.
    """
    held = hold(ticket_id)
    message_id = messages.add(held, Side.NOTE, by.user_id, said, None)
    telling.staff(ticket_id, telling.MESSAGE_ADDED, message_id=str(message_id), by=str(Side.NOTE))
    return message_id


def change(ticket_id: UUID, version: int, *, state: State | None = None, assignee_id: UUID | None = KEEP) -> None:
    """Put a ticket into another state, give it to somebody who may answer it, or (None) to nobody.

    `version` is the one that was seen, so of two who take it at once one is told. Raises NotFound, TicketChanged,
    WrongState, Invalid. Facts: ticket.changed where the state changed. Writes; the caller commits.
    """
    held = hold(ticket_id)
    if held.row.version != version:
        raise TicketChanged
    if assignee_id is not KEEP and assignee_id != held.row.assignee_id:
        _check_answers(assignee_id)
        _assign(held, assignee_id)
    moved = state is not None and state != held.row.state
    if moved and state is not None:
        move(held, state)
        telling.shopper(held.row, telling.CHANGED, state=str(state))
    telling.staff(ticket_id, telling.CHANGED, state=str(state or held.row.state))


def _assign(held: Held, user_id: UUID | None) -> None:
    db.run("UPDATE tickets SET assignee_id = :user, version = version + 1 WHERE id = :id", user=user_id, id=held.row.id)


def _check_answers(user_id: UUID | None) -> None:
    """Raises Invalid for somebody who may not answer tickets."""
    if user_id is not None and user_id not in {found.id for found in answerers()}:
        raise Invalid({"assignee_id": ["Nobody who may answer tickets."]})


def answerers() -> list[Any]:
    """Who may answer tickets: rows of `id` and `username`, by name."""
    return db.rows(
        """
        SELECT u.id, u.username FROM users u
        WHERE u.disabled_at IS NULL AND u.erased_at IS NULL AND EXISTS (
            SELECT FROM user_roles ur JOIN roles r ON r.name = ur.role
            WHERE ur.user_id = u.id AND :permission = ANY(r.permissions))
        ORDER BY lower(u.username), u.id
        """,
        permission=str(Permission.TICKETS_WRITE),
    )
