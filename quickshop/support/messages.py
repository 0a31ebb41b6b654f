"""Writing one message into a conversation that is locked; both sides use it, and staff for their notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from quickshop.kernel import db
from quickshop.kernel.clock import now
from quickshop.kernel.ids import new_id
from quickshop.support import files, rules
from quickshop.support.errors import TicketFull
from quickshop.support.holding import Held
from quickshop.support.rules import File
from quickshop.support.states import Side, State


@dataclass(frozen=True)
class Said:
    """What somebody writes: words, files that were uploaded before (`attachments`), and such that come along.

    Words may be left out where there is a file.
    """

    body: str
    attachments: Sequence[UUID] = ()
    files: Sequence[File] = ()


_ADD = """
WITH counted AS (
    UPDATE tickets SET message_count = message_count + 1, state = coalesce(CAST(:state AS text), state),
        moved_at = CASE WHEN CAST(:state AS text) IS NULL THEN moved_at ELSE :at END
    WHERE id = :ticket RETURNING message_count
)
INSERT INTO ticket_messages (id, ticket_id, seq, person_id, side, author_id, body, at)
SELECT :id, :ticket, message_count, :person, :side, :author, :body, :at FROM counted
"""


def add(held: Held, side: Side, author_id: UUID | None, said: Said, state: State | None) -> UUID:
    """Write a message and say where the conversation stands then (None leaves it); the message's id.

    Raises Invalid, TicketFull. Writes; the caller commits.
    """
    ticket = held.row
    if ticket.message_count >= rules.MOST_MESSAGES:
        raise TicketFull(f"{rules.MOST_MESSAGES} messages")
    bare = not said.body.strip() and (said.attachments or said.files)
    body = "" if bare else rules.text("body", said.body, rules.LONGEST_BODY)
    message_id = new_id()
    db.run(
        _ADD,
        id=message_id,
        ticket=ticket.id,
        person=held.person.id,
        side=str(side),
        author=author_id,
        body=held.person.seal(body, f"ticket_messages/body/{message_id}"),
        state=str(state) if state else None,
        at=now(),
    )
    uploader: files.FileSide = Side.CUSTOMER if side is Side.CUSTOMER else Side.STAFF
    along = [files.keep(held, uploader, file) for file in said.files]
    files.send_along(ticket.id, message_id, uploader, [*dict.fromkeys(said.attachments), *along])
    return message_id
