"""Telling of a conversation: frames for whoever looks at it, the member's log, and word for the mailer.

Frames and log hold ids and states. What was said is read by those who may, where it stands.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from quickshop.accounts import log, mailing, users
from quickshop.accounts.people import PersonKey
from quickshop.extensions import settings
from quickshop.kernel import db, outbox, tracing
from quickshop.kernel.clock import now, rfc3339
from quickshop.kernel.events import Fact
from quickshop.support.holders import ticket_token

STAFF_TOPIC = "admin:tickets"
OPENED, MESSAGE_ADDED, CHANGED = "ticket.opened", "ticket.message_added", "ticket.changed"
# What the mailer is left: that we have the first message, and that staff answered.
RECEIVED, ANSWERED = "support.received", "support.answered"


def topic(ticket_id: UUID) -> str:
    """The frames' topic in the outbox; a client asks for it as `ticket:TOKEN`."""
    return f"ticket:{ticket_id}"


def shown_topic(ticket_id: UUID) -> str:
    """The topic as its client names it."""
    return f"ticket:{ticket_token(ticket_id)}"


def shopper(ticket: Any, type_: str, **more: str) -> None:
    """Tell the shopper's side that something happened: on the ticket's topic, and in a member's log.

    `ticket` has `id` and `user_id`. Takes the member's row lock. Raises SessionEnded for an erased account.
    """
    data = {"ticket_id": str(ticket.id), **more}
    outbox.write(frames=[_frame(topic(ticket.id), type_, data)])
    if ticket.user_id is not None:
        log.append(ticket.user_id, [Fact(type_, data)])


def staff(ticket_id: UUID, type_: str, **more: str | None) -> None:
    """Tell open pages of staff; notes are told of here and nowhere else."""
    outbox.write(frames=[_frame(STAFF_TOPIC, type_, {"ticket_id": str(ticket_id), **more})])


def mail(kind: str, ticket: Any, person: PersonKey) -> None:
    """Leave word for the mailer, who finds nothing of what was said: the number, and the way back to it.

    `ticket` has `id`, `number`, `user_id`, `order_id`, `email`. A member without a proven address gets none.
    """
    found = _address(ticket, person)
    if found is None:
        return
    email, first_name = found
    page = f"{settings().public_url}/account/tickets/{ticket.id}"
    if ticket.user_id is None:
        page = f"{settings().public_url}/support/{ticket.id}?token={ticket_token(ticket.id)}"
    content = {"email": email, "first_name": first_name, "ticket": ticket.number, "page": page}
    mailing.leave(kind, ticket.id, person, content)
    mailing.wake()


def _address(ticket: Any, person: PersonKey) -> tuple[str, str] | None:
    """Where the shopper reads their mail, and how they are called (an empty text where nobody said)."""
    if ticket.user_id is not None:
        user = users.by_id(ticket.user_id)
        if user is None or user.row.email_verified_at is None:
            return None
        return user.opened("email"), user.opened("first_name")
    if ticket.email is not None:
        return person.unseal(ticket.email, f"tickets/email/{ticket.id}"), ""
    sealed = db.scalar("SELECT email FROM orders WHERE id = :id", id=ticket.order_id)
    return person.unseal(sealed, f"orders/email/{ticket.order_id}"), ""


def _frame(topic_: str, type_: str, data: dict[str, Any]) -> dict[str, Any]:
    at, request_id = rfc3339(now()), tracing.request_id()
    return {"topic": topic_, "seq": None, "type": type_, "at": at, "data": data, "request_id": request_id}
