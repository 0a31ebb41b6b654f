"""Tables of returns. How many units of a line are on their way back or are back stands beside the line's progress."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from quickshop.extensions import Base
from quickshop.kernel.models import TIMESTAMPTZ
from quickshop.returns.states import OPEN, Reason, Resolution, State

MOST_PHOTOS = 5


def _among(column: str, values: Iterable[str]) -> str:
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"


class Return(Base):
    """A return of some units of an order; `number` counts within the order.

    `note` is the shopper's word, sealed as "returns/note/<id>"; `answer` what staff say to the shopper, never about a
    person. `label` and `tracking` are the carrier's, sealed alike.
    """

    __tablename__ = "returns"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("persons.id"))
    number: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[str] = mapped_column(Text, server_default="requested")
    resolution: Mapped[str] = mapped_column(Text)
    note: Mapped[bytes | None] = mapped_column(LargeBinary)
    answer: Mapped[str | None] = mapped_column(Text)
    carrier: Mapped[str | None] = mapped_column(Text)
    tracking: Mapped[bytes | None] = mapped_column(LargeBinary)
    label: Mapped[bytes | None] = mapped_column(LargeBinary)
    refund_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("refunds.id"))
    replacement_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("orders.id"))
    requested_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    decided_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    decided_by: Mapped[uuid.UUID | None]
    received_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    ended_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    __table_args__ = (
        CheckConstraint(_among("state", State), name="known_state"),
        CheckConstraint(_among("resolution", Resolution), name="known_resolution"),
        CheckConstraint("number > 0", name="number_positive"),
        CheckConstraint("(state = 'requested') = (decided_at IS NULL)", name="decided_has_time"),
        CheckConstraint(
            "(received_at IS NOT NULL OR state NOT IN ('received', 'refunded', 'exchanged'))"
            " AND (received_at IS NULL OR state IN ('received', 'refunded', 'exchanged', 'rejected'))",
            name="received_has_time",
        ),
        CheckConstraint("(ended_at IS NULL) = (state IN ('requested', 'approved', 'received'))", name="ended_has_time"),
        CheckConstraint("(state = 'refunded') = (refund_id IS NOT NULL)", name="refunded_by_refund"),
        CheckConstraint("(state = 'exchanged') = (replacement_id IS NOT NULL)", name="exchanged_for_order"),
        CheckConstraint("state <> 'rejected' OR answer IS NOT NULL", name="rejected_says_why"),
        Index("uq_returns_number", "order_id", "number", unique=True),
        Index("uq_returns_refund_id", "refund_id", unique=True, postgresql_where=text("refund_id IS NOT NULL")),
        Index(
            "uq_returns_replacement_id",
            "replacement_id",
            unique=True,
            postgresql_where=text("replacement_id IS NOT NULL"),
        ),
        Index("ix_returns_state", "state", "id"),
        Index("ix_returns_open", "order_id", postgresql_where=text(_among("state", OPEN))),
    )


class ReturnLine(Base):
    """Units of one line in a return, why they come back, and what became of them.

    Of the `quantity` announced, `received` came; of those `restocked` can be sold again, the others are written off.
    """

    __tablename__ = "return_lines"
    return_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("returns.id"), primary_key=True)
    line_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("order_lines.id"), primary_key=True)
    quantity: Mapped[int] = mapped_column(Integer)
    reason: Mapped[str] = mapped_column(Text)
    exchange_variant_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("variants.id"))
    received: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    restocked: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    refunded_minor: Mapped[int | None] = mapped_column(BigInteger)
    __table_args__ = (
        CheckConstraint(_among("reason", Reason), name="known_reason"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("received BETWEEN 0 AND quantity", name="received_within_announced"),
        CheckConstraint("restocked BETWEEN 0 AND received", name="restocked_within_received"),
        CheckConstraint("refunded_minor >= 0", name="refunded_not_negative"),
        Index("ix_return_lines_line_id", "line_id"),
    )


class ReturnPhoto(Base):
    """A picture that shows why something comes back: WebP without metadata, as base64, sealed."""

    __tablename__ = "return_photos"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    return_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("returns.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("persons.id"))
    position: Mapped[int] = mapped_column(SmallInteger)
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        CheckConstraint(f"position BETWEEN 1 AND {MOST_PHOTOS}", name="so_many_at_most"),
        CheckConstraint("least(width, height) > 0", name="has_a_size"),
        Index("uq_return_photos_position", "return_id", "position", unique=True),
    )


class CancellationRequest(Base):
    """A shopper's wish to cancel what is packed already; staff grant or refuse it. `answer` is never about a person."""

    __tablename__ = "cancellation_requests"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"))
    state: Mapped[str] = mapped_column(Text, server_default="requested")
    answer: Mapped[str | None] = mapped_column(Text)
    requested_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    decided_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    decided_by: Mapped[uuid.UUID | None]
    __table_args__ = (
        CheckConstraint("state IN ('requested', 'granted', 'refused', 'overtaken')", name="known_state"),
        CheckConstraint("(state = 'requested') = (decided_at IS NULL)", name="decided_has_time"),
        CheckConstraint("state <> 'refused' OR answer IS NOT NULL", name="refused_says_why"),
        Index(
            "uq_cancellation_requests_open",
            "order_id",
            unique=True,
            postgresql_where=text("state = 'requested'"),
        ),
        Index("ix_cancellation_requests_order_id", "order_id", "requested_at"),
        Index("ix_cancellation_requests_state", "state", "requested_at", "id"),
    )
