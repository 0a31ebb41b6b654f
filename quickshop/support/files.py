"""Files of a conversation: taken in before the message that they go with, kept sealed, given out to its two sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from quickshop.accounts.people import person_key
from quickshop.kernel import db
from quickshop.kernel.clock import now
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.ids import new_id
from quickshop.support.errors import TicketClosed, TicketFull, TooManyFiles
from quickshop.support.holders import Holder
from quickshop.support.holding import Held, hold
from quickshop.support.rules import MOST_BYTES_A_DAY, MOST_FILES, MOST_FILES_OF_TICKET, File
from quickshop.support.states import Side, State

FileSide = Literal[Side.CUSTOMER, Side.STAFF]
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Opened:
    """A file as it is given out."""

    name: str
    type: str
    body: bytes


def attach(ticket_id: UUID, holder: Holder, file: File) -> UUID:
    """Take in a shopper's file, which waits for their message; its id.

    Raises NotFound, TicketClosed, TicketFull, TooManyFiles. Writes; the caller commits.
    """
    held = hold(ticket_id)
    if not holder.may_see(held.row):
        raise NotFound("ticket")
    if held.row.state == State.CLOSED:
        raise TicketClosed
    return keep(held, Side.CUSTOMER, file)


def attach_as_staff(ticket_id: UUID, file: File) -> UUID:
    """Take in a file of staff, which waits for a message of theirs; its id.

    Raises NotFound, TicketFull. Writes; the caller commits.
    """
    return keep(hold(ticket_id), Side.STAFF, file)


def keep(held: Held, side: FileSide, file: File) -> UUID:
    """Write a file of a ticket that is locked; its id. Raises TicketFull, TooManyFiles."""
    ticket = held.row
    _check_room(held, side, len(file.body))
    file_id = new_id()
    db.run(
        """
        INSERT INTO ticket_attachments (id, ticket_id, person_id, side, name, type, size, body, created_at)
        VALUES (:id, :ticket, :person, :side, :name, :type, :size, :body, :at)
        """,
        id=file_id,
        ticket=ticket.id,
        person=held.person.id,
        side=str(side),
        name=held.person.seal(file.name, f"ticket_attachments/name/{file_id}"),
        type=file.type,
        size=len(file.body),
        body=held.person.seal_bytes(file.body, f"ticket_attachments/body/{file_id}"),
        at=now(),
    )
    return file_id


def _check_room(held: Held, side: FileSide, size: int) -> None:
    there: Any = db.row(
        """
        SELECT count(*) FILTER (WHERE ticket_id = :ticket) AS files,
               coalesce(sum(size) FILTER (WHERE side = 'customer' AND created_at > :since), 0) AS bytes
        FROM ticket_attachments WHERE person_id = :person
        """,
        ticket=held.row.id,
        person=held.person.id,
        since=now() - _DAY,
    )
    if there.files >= MOST_FILES_OF_TICKET:
        raise TicketFull(f"{MOST_FILES_OF_TICKET} files")
    if side is Side.CUSTOMER and there.bytes + size > MOST_BYTES_A_DAY:
        raise TooManyFiles(int(_DAY.total_seconds()))


def send_along(ticket_id: UUID, message_id: UUID, side: FileSide, file_ids: Sequence[UUID]) -> None:
    """Let files that wait go with a message of the side that uploaded them. Raises Invalid for any other file."""
    if len(file_ids) > MOST_FILES:
        raise Invalid({"attachments": [f"{MOST_FILES} files at most with one message."]})
    sent = db.run(
        "UPDATE ticket_attachments SET message_id = :message"
        " WHERE id = ANY(:ids) AND ticket_id = :ticket AND side = :side AND message_id IS NULL",
        message=message_id,
        ids=list(file_ids),
        ticket=ticket_id,
        side=str(side),
    ).rowcount
    if sent != len(file_ids):
        raise Invalid({"attachments": ["Not a file that was uploaded here for this message."]})


_FILE = """
SELECT f.id, f.name, f.type, f.body, f.side, f.message_id, m.side AS said_by, t.id AS ticket_id, t.user_id, t.order_id,
       p.id AS person_id, p.key_id, p.wrapped_key
FROM ticket_attachments f JOIN tickets t ON t.id = f.ticket_id JOIN persons p ON p.id = f.person_id
LEFT JOIN ticket_messages m ON m.id = f.message_id
WHERE f.ticket_id = :ticket AND f.id = :id
"""


@dataclass(frozen=True)
class _Ticket:
    id: UUID
    user_id: UUID | None
    order_id: UUID | None


def get(ticket_id: UUID, file_id: UUID, holder: Holder) -> Opened:
    """A file for the shopper: what they uploaded, and what staff sent with a message to them. Raises NotFound."""
    row = db.row(_FILE, ticket=ticket_id, id=file_id)
    if row is None or not holder.may_see(_Ticket(row.ticket_id, row.user_id, row.order_id)):
        raise NotFound("attachment")
    if row.side == Side.STAFF and row.said_by != Side.STAFF:  # a note's, or of a message that is not written yet
        raise NotFound("attachment")
    return _opened(row)


def get_as_staff(ticket_id: UUID, file_id: UUID) -> Opened:
    """A file for staff: what was sent, and what staff uploaded. Raises NotFound."""
    row = db.row(_FILE, ticket=ticket_id, id=file_id)
    if row is None or (row.side == Side.CUSTOMER and row.message_id is None):
        raise NotFound("attachment")
    return _opened(row)


def _opened(row: Any) -> Opened:
    person = person_key(row.person_id, row.key_id, row.wrapped_key)
    return Opened(
        person.unseal(row.name, f"ticket_attachments/name/{row.id}"),
        row.type,
        person.unseal_bytes(row.body, f"ticket_attachments/body/{row.id}"),
    )
