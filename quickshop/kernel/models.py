"""Tables of the kernel: the outbox, facts waiting for their consumers and who listens, idempotency keys, jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, LargeBinary, SmallInteger, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from quickshop.extensions import Base

TIMESTAMPTZ = TIMESTAMP(timezone=True)


class OutboxRow(Base):
    """What the relay must send: frames for open sockets and task hints. Written with the facts, sent after."""

    __tablename__ = "outbox"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    frames: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'"))
    tasks: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'"))
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.clock_timestamp())
    lease_until: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    sent_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    __table_args__ = (
        Index("ix_outbox_unsent", "id", postgresql_where=text("sent_at IS NULL")),
        Index("ix_outbox_sent", "sent_at", postgresql_where=text("sent_at IS NOT NULL")),
    )


class PendingFact(Base):
    """A fact that a consumer still has to take; it stays due until the consumer says done."""

    __tablename__ = "pending_facts"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    consumer: Mapped[str] = mapped_column(Text)
    type: Mapped[str] = mapped_column(Text)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.clock_timestamp())
    __table_args__ = (Index("ix_pending_facts_consumer", "consumer", "id"),)


class FactListener(Base):
    """A consumer that wants every fact that is told to the world, and the task that wakes it; most shops have none."""

    __tablename__ = "fact_listeners"
    consumer: Mapped[str] = mapped_column(Text, primary_key=True)
    task: Mapped[str] = mapped_column(Text)
    queue: Mapped[str] = mapped_column(Text)


class IdempotencyKey(Base):
    """The answer a caller's key is bound to. Only a 2xx is stored.

    Answers hold addresses: `body` is sealed under the master key `key_id`; without one it stands as older code left it.
    """

    __tablename__ = "idempotency_keys"
    caller: Mapped[str] = mapped_column(Text, primary_key=True)
    route: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int] = mapped_column(SmallInteger)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    key_id: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (Index("ix_idempotency_keys_created_at", "created_at"),)


class PeriodicJob(Base):
    """A job the relay sends when it is due; there is no beat process."""

    __tablename__ = "periodic_jobs"
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    queue: Mapped[str] = mapped_column(Text)
    every_seconds: Mapped[int]
    next_run_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())


class WorkerCanary(Base):
    """When a queue last ran its canary task: proof that somebody consumes it, not just that a process lives."""

    __tablename__ = "worker_canaries"
    queue: Mapped[str] = mapped_column(Text, primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())


class RelayBeat(Base):
    """The relay leader's sign of life; one row."""

    __tablename__ = "relay_beats"
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ)
