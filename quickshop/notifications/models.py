"""Tables of notifications: one delivery per fact and channel, whatever is retried; what lies in people's inboxes."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from quickshop.extensions import Base
from quickshop.kernel.models import TIMESTAMPTZ

_KNOWN_CHANNEL = "channel IN ('email', 'sms', 'inbox', 'push')"


class Delivery(Base):
    """A message on its way to one person over one channel. The address and the secrets in it stand sealed.

    `happened_at` is when it happened: what one person gets over one channel leaves in this order. `device` is the
    blind index of the device that a push message is for, else empty. `resend_of` is what staff had sent once more.
    """

    __tablename__ = "deliveries"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    fact_key: Mapped[str] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(Text)
    device: Mapped[bytes] = mapped_column(LargeBinary, server_default=text("''::bytea"))
    kind: Mapped[str] = mapped_column(Text)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("persons.id"))
    order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("orders.id"))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    context: Mapped[dict[str, Any]] = mapped_column(JSONB)
    locale: Mapped[str] = mapped_column(Text, server_default="en")
    state: Mapped[str] = mapped_column(Text, server_default="pending")
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    happened_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    next_run_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    last_error: Mapped[str | None] = mapped_column(Text)
    resend_of: Mapped[int | None] = mapped_column(ForeignKey("deliveries.id"))
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    sent_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    __table_args__ = (
        CheckConstraint(_KNOWN_CHANNEL, name="known_channel"),
        CheckConstraint("state IN ('pending', 'sent', 'given_up')", name="known_state"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_has_time"),
        CheckConstraint("channel = 'push' OR device = ''::bytea", name="device_for_push"),
        Index("uq_deliveries_once", "fact_key", "channel", "device", unique=True),
        Index("ix_deliveries_waiting", "channel", "happened_at", "id", postgresql_where=text("state = 'pending'")),
        Index(
            "ix_deliveries_turn",
            "person_id",
            "channel",
            "happened_at",
            "id",
            postgresql_where=text("state = 'pending'"),
        ),
        Index("ix_deliveries_order_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
        Index("ix_deliveries_person_id", "person_id"),
        Index(
            "uq_deliveries_resend_of",
            "resend_of",
            unique=True,
            postgresql_where=text("state = 'pending' AND resend_of IS NOT NULL"),
        ),
    )


class ChannelPause(Base):
    """A channel whose outside world is away: nobody tries it before `try_at`, and no message counts as tried."""

    __tablename__ = "channel_pauses"
    channel: Mapped[str] = mapped_column(Text, primary_key=True)
    failures: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    since: Mapped[datetime] = mapped_column(TIMESTAMPTZ)
    try_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ)
    reason: Mapped[str] = mapped_column(Text)
    __table_args__ = (
        CheckConstraint(_KNOWN_CHANNEL, name="known_channel"),
        CheckConstraint("failures > 0", name="failures_counted"),
        CheckConstraint("try_at >= since", name="begins_before"),
    )


class InboxMessage(Base):
    """A message in a member's inbox. Its words are made when it is read; what is personal in them stands sealed."""

    __tablename__ = "inbox_messages"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    fact_key: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("orders.id"))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    context: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[datetime] = mapped_column(TIMESTAMPTZ)
    read_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    __table_args__ = (
        Index("uq_inbox_messages_fact", "user_id", "fact_key", unique=True),
        Index("ix_inbox_messages_newest", "user_id", "at", "id"),
        Index("ix_inbox_messages_unread", "user_id", postgresql_where=text("read_at IS NULL")),
    )


class CartReminder(Base):
    """That the owner of a cart was reminded of it; no cart is reminded of twice."""

    __tablename__ = "cart_reminders"
    cart_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("carts.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
