"""Tables of security: the audit log, which only grows, and the head of each of its chains."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from quickshop.extensions import Base
from quickshop.kernel.models import TIMESTAMPTZ

CHAINS = ("staff", "security")


class AuditEntry(Base):
    """Who did what to what, with which outcome. `mac` covers the entry and `previous`, the mac before it.

    Holds ids and names of fields, never what is personal. A trigger refuses every change and removal.
    """

    __tablename__ = "audit_log"
    chain: Mapped[str] = mapped_column(Text, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime] = mapped_column(TIMESTAMPTZ)
    actor: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    target: Mapped[str | None] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(Text, server_default="done")
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    network: Mapped[str | None] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(Text)
    previous: Mapped[bytes] = mapped_column(LargeBinary)
    mac: Mapped[bytes] = mapped_column(LargeBinary)
    __table_args__ = (
        CheckConstraint("chain IN ('staff', 'security')", name="known_chain"),
        CheckConstraint("outcome IN ('done', 'denied', 'failed')", name="known_outcome"),
        CheckConstraint("seq > 0", name="seq_positive"),
        Index("ix_audit_log_at", "at", "chain", "seq"),
        Index("ix_audit_log_actor", "actor", "at"),
        Index("ix_audit_log_target", "target", "at"),
    )


class AuditHead(Base):
    """The last entry of a chain; its row lock puts writers in order."""

    __tablename__ = "audit_heads"
    chain: Mapped[str] = mapped_column(Text, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    mac: Mapped[bytes] = mapped_column(LargeBinary)
    written_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
