"""Tables of outbound webhooks: where events are sent, which there were in what order, and what became of each."""

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
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from quickshop.extensions import Base
from quickshop.kernel.models import TIMESTAMPTZ


class WebhookEndpoint(Base):
    """An address that is told of events, with what its breaker knows of it.

    The secrets stand sealed under a master key; `previous_secret` signs beside the present one until its time is over.
    `lease_token` is the worker that sends to it now: one at a time, so that one slow address holds up nobody else.
    """

    __tablename__ = "webhook_endpoints"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    url: Mapped[str] = mapped_column(Text)
    events: Mapped[list[str]] = mapped_column(ARRAY(Text))
    state: Mapped[str] = mapped_column(Text, server_default="active")
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    previous_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    previous_until: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    failures: Mapped[int] = mapped_column(Integer, server_default=text("0"))  # one after the other, since a success
    failing_since: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    open_until: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)  # the breaker: nothing is sent before
    lease_token: Mapped[uuid.UUID | None]
    lease_until: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    version: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        CheckConstraint("state IN ('active', 'disabled', 'given_up')", name="known_state"),
        CheckConstraint("url ~ '^https?://'", name="url_form"),
        CheckConstraint("cardinality(events) > 0", name="some_events"),
        CheckConstraint("(previous_secret IS NULL) = (previous_until IS NULL)", name="previous_has_end"),
        CheckConstraint("failures >= 0", name="failures_counted"),
        CheckConstraint("(failures > 0) = (failing_since IS NOT NULL)", name="failing_since_when"),
        CheckConstraint("open_until IS NULL OR failures > 0", name="open_when_failing"),
        CheckConstraint("(lease_token IS NULL) = (lease_until IS NULL)", name="lease_whole"),
    )


class WebhookEvent(Base):
    """Something that happened, as endpoints are told of it. `seq` counts 1, 2, 3 … for the whole shop.

    `source` is where the fact came from (an order and its seq), so that a fact makes one event whatever is retried.
    """

    __tablename__ = "webhook_events"
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    id: Mapped[uuid.UUID] = mapped_column(unique=True)
    source: Mapped[str] = mapped_column(Text, unique=True)
    type: Mapped[str] = mapped_column(Text)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[datetime] = mapped_column(TIMESTAMPTZ)  # when it happened
    noted_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        CheckConstraint("seq > 0", name="seq_positive"),
        Index("ix_webhook_events_noted_at", "noted_at", postgresql_using="brin"),
    )


class WebhookDelivery(Base):
    """An event on its way to an endpoint. `attempts` counts those of the present run: a redelivery begins another."""

    __tablename__ = "webhook_deliveries"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    endpoint_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("webhook_endpoints.id", ondelete="CASCADE"))
    event_seq: Mapped[int] = mapped_column(ForeignKey("webhook_events.seq"))
    state: Mapped[str] = mapped_column(Text, server_default="pending")
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    next_run_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    ended_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'delivered', 'given_up')", name="known_state"),
        CheckConstraint("(state = 'pending') = (next_run_at IS NOT NULL)", name="pending_has_turn"),
        CheckConstraint("(state = 'pending') = (ended_at IS NULL)", name="ended_when_over"),
        CheckConstraint("attempts >= 0", name="attempts_counted"),
        Index("uq_webhook_deliveries_event", "endpoint_id", "event_seq", unique=True),
        Index("ix_webhook_deliveries_seq", "event_seq"),
        Index("ix_webhook_deliveries_due", "endpoint_id", "next_run_at", postgresql_where=text("state = 'pending'")),
    )


class WebhookAttempt(Base):
    """One try to deliver: what was answered after how long, or why nothing was. Never the answer's content."""

    __tablename__ = "webhook_attempts"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    delivery_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("webhook_deliveries.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(TIMESTAMPTZ)
    status: Mapped[int | None] = mapped_column(SmallInteger)
    error: Mapped[str | None] = mapped_column(Text)
    milliseconds: Mapped[int] = mapped_column(Integer)
    __table_args__ = (
        CheckConstraint("status IS NOT NULL OR error IS NOT NULL", name="answered_or_not"),
        CheckConstraint("milliseconds >= 0", name="milliseconds_counted"),
        Index("ix_webhook_attempts_delivery", "delivery_id", "id"),
    )
