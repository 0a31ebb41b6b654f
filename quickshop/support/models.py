"""Tables of support. What was said, and the names and contents of files, stand sealed by the shopper's own key."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from quickshop.extensions import Base
from quickshop.kernel.models import TIMESTAMPTZ
from quickshop.support.rules import LARGEST_BYTES, TYPES
from quickshop.support.states import Side, State

_STATES = ", ".join(f"'{state}'" for state in State)
_SIDES = ", ".join(f"'{side}'" for side in Side)
_TYPES = ", ".join(f"'{type_}'" for type_ in TYPES)


class Ticket(Base):
    """One conversation: of a member, of the guest of an order, or of whoever owns an e-mail address.

    `message_count` counts all messages, notes too; `moved_at` is when either side wrote last or its state changed.
    `version` grows with each change of state or assignment, so that staff decide on what they have seen.
    """

    __tablename__ = "tickets"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(start=1001), unique=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("persons.id"))
    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id"))
    order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("orders.id"))
    email: Mapped[bytes | None] = mapped_column(LargeBinary)
    email_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    subject: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(Text, server_default="open")
    assignee_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id"))
    message_count: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    version: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    moved_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    closed_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    __table_args__ = (
        CheckConstraint(f"state IN ({_STATES})", name="known_state"),
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed_has_time"),
        CheckConstraint("message_count >= 0", name="count_not_negative"),
        CheckConstraint("(email IS NULL) = (email_index IS NULL)", name="address_whole"),
        # Exactly one thing says whose it is; a member's may be about an order of theirs beside.
        CheckConstraint("user_id IS NULL OR email IS NULL", name="member_has_no_address"),
        CheckConstraint("num_nonnulls(user_id, order_id, email) > 0", name="belongs_to_somebody"),
        Index("ix_tickets_person_id", "person_id"),
        Index("ix_tickets_user_id", "user_id", "moved_at", postgresql_where=text("user_id IS NOT NULL")),
        Index("ix_tickets_order_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
        Index("ix_tickets_email_index", "email_index", postgresql_where=text("email_index IS NOT NULL")),
        Index("ix_tickets_state", "state", "moved_at", "id"),
        Index("ix_tickets_moved_at", "moved_at", "id"),
        Index("ix_tickets_assignee_id", "assignee_id", "moved_at", postgresql_where=text("assignee_id IS NOT NULL")),
    )


class TicketMessage(Base):
    """What one side said; `author_id` is None for a guest, and for an integration that writes as staff.

    `seq` counts 1, 2, 3 … in a ticket; notes of staff among them are never shown to shoppers.
    """

    __tablename__ = "ticket_messages"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    ticket_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tickets.id"))
    seq: Mapped[int] = mapped_column(Integer)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("persons.id"))
    side: Mapped[str] = mapped_column(Text)
    author_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id"))
    body: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        CheckConstraint(f"side IN ({_SIDES})", name="known_side"),
        CheckConstraint("seq > 0", name="seq_positive"),
        UniqueConstraint("ticket_id", "seq", name="uq_ticket_messages_seq"),
        UniqueConstraint("id", "ticket_id", name="uq_ticket_messages_ticket"),
        Index("ix_ticket_messages_person_id", "person_id"),
    )


class TicketAttachment(Base):
    """A file of a ticket. It belongs to no message until one is sent with it, by the side that uploaded it."""

    __tablename__ = "ticket_attachments"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    ticket_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tickets.id"))
    message_id: Mapped[uuid.UUID | None]
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("persons.id"))
    side: Mapped[str] = mapped_column(Text)
    name: Mapped[bytes] = mapped_column(LargeBinary)
    type: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(Integer)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        # Of the same ticket: nobody's message shows another conversation's file.
        ForeignKeyConstraint(
            ["message_id", "ticket_id"],
            ["ticket_messages.id", "ticket_messages.ticket_id"],
            name="fk_ticket_attachments_message_id_ticket_messages",
        ),
        CheckConstraint("side IN ('customer', 'staff')", name="known_side"),
        CheckConstraint(f"type IN ({_TYPES})", name="known_type"),
        CheckConstraint(f"size BETWEEN 1 AND {LARGEST_BYTES}", name="size_in_range"),
        Index("ix_ticket_attachments_ticket_id", "ticket_id"),
        Index("ix_ticket_attachments_message_id", "message_id"),
        Index("ix_ticket_attachments_person_id", "person_id"),
        Index("ix_ticket_attachments_unsent", "created_at", postgresql_where=text("message_id IS NULL")),
    )


class CannedReply(Base):
    """Words that staff use often, with places for the shopper's name and the order's number."""

    __tablename__ = "canned_replies"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        CheckConstraint("title <> '' AND body <> ''", name="says_something"),
        Index("uq_canned_replies_title", text("lower(title)"), unique=True),
    )
