"""Tables of payments: every call to a gateway has a row before it is made, and its key never changes."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from quickshop.extensions import Base
from quickshop.kernel.models import TIMESTAMPTZ


class Payment(Base):
    """One try to pay for an order: what was asked, and how far the money came.

    `refunding_minor` is asked back and not yet known to be given back; `voided_at`: the reservation was let go.
    """

    __tablename__ = "payments"
    order_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    round: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    provider: Mapped[str] = mapped_column(Text)
    provider_ref: Mapped[str | None] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    authorized_minor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    captured_minor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    refunded_minor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    refunding_minor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    voided_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        CheckConstraint("authorized_minor BETWEEN 0 AND amount_minor", name="authorized_within_amount"),
        CheckConstraint("captured_minor BETWEEN 0 AND authorized_minor", name="captured_within_authorized"),
        CheckConstraint(
            "least(refunded_minor, refunding_minor) >= 0 AND refunded_minor + refunding_minor <= captured_minor",
            name="refunded_within_captured",
        ),
        CheckConstraint("voided_at IS NULL OR captured_minor = 0", name="voided_or_captured"),
        Index("uq_payments_one_capture", "order_id", unique=True, postgresql_where=text("captured_minor > 0")),
        Index("ix_payments_provider_ref", "provider", "provider_ref"),
        Index("ix_payments_created_at", "created_at", postgresql_using="brin"),
    )


class PaymentAttempt(Base):
    """One call to the gateway. `sent` before the call; the outcome is recorded after it, once.

    `given_up`: nobody could say what came of it, and a row of payment_breaks tells staff. Of refunds there may be
    several in a round, each with its `number` and the `reason` that staff gave, which is never about a person.
    """

    __tablename__ = "payment_attempts"
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    order_id: Mapped[uuid.UUID]
    round: Mapped[int] = mapped_column(SmallInteger)
    kind: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(Text, server_default="sent")
    code: Mapped[str | None] = mapped_column(Text)
    look_ups: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    number: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    resolved_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    __table_args__ = (
        CheckConstraint("kind IN ('authorize', 'capture', 'void', 'refund')", name="known_kind"),
        CheckConstraint("state IN ('sent', 'unknown', 'succeeded', 'refused', 'given_up')", name="known_state"),
        Index("ix_payment_attempts_order_id", "order_id", "round"),
    )


class PaymentBook(Base):
    """Up to when a provider's books were compared with ours: soon after each charge, and a second time a day later."""

    __tablename__ = "payment_books"
    provider: Mapped[str] = mapped_column(Text, primary_key=True)
    look: Mapped[str] = mapped_column(Text, primary_key=True)
    checked_until: Mapped[datetime] = mapped_column(TIMESTAMPTZ)
    __table_args__ = (CheckConstraint("look IN ('first', 'second')", name="known_look"),)


class PaymentBreak(Base):
    """Something in which the provider's books, ours and the orders differ, or that automation could not bring to its
    end. Staff see it until it is gone (`closed_by` 'itself') or until they close it with a note, never about a person.

    `subject` is what differs: a charge's key, or the provider's reference where we know of none.
    """

    __tablename__ = "payment_breaks"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    provider: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    provider_ref: Mapped[str | None] = mapped_column(Text)
    order_id: Mapped[uuid.UUID | None]
    currency: Mapped[str] = mapped_column(Text)
    expected_minor: Mapped[int] = mapped_column(BigInteger)
    found_minor: Mapped[int] = mapped_column(BigInteger)
    detail: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, server_default="open")
    opened_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    seen_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    closed_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    closed_by: Mapped[str | None] = mapped_column(Text)
    note: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (
        CheckConstraint(
            "kind IN ('unknown_charge', 'missing_charge', 'amount_differs', 'captured_differs', 'refunded_differs',"
            " 'still_reserved', 'order_differs', 'payment_unknown', 'undo_failed', 'refund_refused',"
            " 'refund_unknown')",
            name="known_kind",
        ),
        CheckConstraint("state IN ('open', 'closed')", name="known_state"),
        CheckConstraint("closed_by IN ('itself', 'staff')", name="known_closer"),
        CheckConstraint(
            "(state = 'closed') = (closed_at IS NOT NULL) AND (state = 'closed') = (closed_by IS NOT NULL)",
            name="closed_whole",
        ),
        CheckConstraint("closed_by <> 'staff' OR note IS NOT NULL", name="staff_say_why"),
        Index("uq_payment_breaks_open", "kind", "subject", unique=True, postgresql_where=text("state = 'open'")),
        Index("ix_payment_breaks_opened_at", "opened_at", "id"),
        Index("ix_payment_breaks_order_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
    )


class PaymentWebhook(Base):
    """What a provider told us unasked; unique by its event id, so telling twice changes nothing."""

    __tablename__ = "payment_webhooks"
    provider: Mapped[str] = mapped_column(Text, primary_key=True)
    event_id: Mapped[str] = mapped_column(Text, primary_key=True)
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    received_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (Index("ix_payment_webhooks_received_at", "received_at"),)


class PaymentMethod(Base):
    """A card that a member keeps at the provider: its token, sealed, and what may be shown of it.

    Whoever has any has exactly one default: the index refuses two, a deferred trigger refuses none.
    """

    __tablename__ = "payment_methods"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    provider: Mapped[str] = mapped_column(Text)
    token: Mapped[bytes] = mapped_column(LargeBinary)
    token_index: Mapped[bytes] = mapped_column(LargeBinary)
    brand: Mapped[str] = mapped_column(Text)
    last4: Mapped[str] = mapped_column(Text)
    exp_month: Mapped[int] = mapped_column(SmallInteger)
    exp_year: Mapped[int] = mapped_column(SmallInteger)
    is_default: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        CheckConstraint("last4 ~ '^[0-9]{4}$'", name="last4_form"),
        CheckConstraint("exp_month BETWEEN 1 AND 12 AND exp_year BETWEEN 2000 AND 2199", name="expiry_form"),
        Index("uq_payment_methods_default", "user_id", unique=True, postgresql_where=text("is_default")),
        Index("uq_payment_methods_token", "user_id", "token_index", unique=True),
    )
