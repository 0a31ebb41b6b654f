"""Tables of what comes after the payment: parcels and what is in them, how far each line has come, money given back.

A line of an order never changes; how much of it is packed, sent, delivered or back stands beside it.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
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


class LineProgress(Base):
    """How far a line has come, in units, and how much of its money went back. Made when something happens to an order.

    `cancelled` units will not come any more. Units of a lost parcel count as never packed. `announced` units are
    promised to returns that are under way: a unit is returned once.
    """

    __tablename__ = "line_progress"
    line_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("order_lines.id"), primary_key=True)
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"))
    ordered: Mapped[int] = mapped_column(Integer)
    cancelled: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    packed: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    shipped: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    delivered: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    returned: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    announced: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    paid_minor: Mapped[int] = mapped_column(BigInteger)
    given_back_minor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    __table_args__ = (
        CheckConstraint(
            "0 <= returned AND returned <= delivered AND delivered <= shipped AND shipped <= packed"
            " AND packed <= ordered - cancelled AND cancelled >= 0",
            name="units_in_order",
        ),
        CheckConstraint("announced BETWEEN 0 AND delivered - returned", name="announced_within_delivered"),
        CheckConstraint("given_back_minor BETWEEN 0 AND paid_minor", name="given_back_within_paid"),
        Index("ix_line_progress_order_id", "order_id"),
    )


class OrderGivenBack(Base):
    """How much of an order's money was given back, and of its shipping: the row that keeps two refunds apart."""

    __tablename__ = "order_given_back"
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    total_minor: Mapped[int] = mapped_column(BigInteger)
    shipping_minor: Mapped[int] = mapped_column(BigInteger)
    given_minor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    shipping_given_minor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    refunds: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    __table_args__ = (
        CheckConstraint("given_minor BETWEEN 0 AND total_minor", name="given_within_total"),
        CheckConstraint("shipping_given_minor BETWEEN 0 AND shipping_minor", name="shipping_given_within_paid"),
        CheckConstraint("refunds >= 0", name="refunds_counted"),
    )


class Refund(Base):
    """Money given back for an order, once and for one cause. `number` counts within the order.

    `amount_minor` is what the buyer gets: on the card, on what gift cards and store credit had paid, or as new store
    credit. `tax_minor` is contained in it, `shipping_minor` is the part of it that was paid for shipping, with its tax.
    """

    __tablename__ = "refunds"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"))
    number: Mapped[int] = mapped_column(SmallInteger)
    cause: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    card_minor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    credit_minor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    store_credit_minor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    shipping_minor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    tax_minor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    by: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        CheckConstraint("cause IN ('cancellation', 'return', 'goodwill', 'edit', 'lost')", name="known_cause"),
        CheckConstraint("by IN ('shopper', 'staff', 'shop')", name="known_by"),
        CheckConstraint(
            "amount_minor > 0 AND amount_minor = card_minor + credit_minor + store_credit_minor"
            " AND least(card_minor, credit_minor, store_credit_minor, shipping_minor, tax_minor) >= 0",
            name="amount_adds_up",
        ),
        CheckConstraint("greatest(shipping_minor, tax_minor) <= amount_minor", name="parts_within_amount"),
        Index("uq_refunds_number", "order_id", "number", unique=True),
    )


class RefundLine(Base):
    """What of a refund was for one line: `quantity` units (0: for the price alone), and the tax contained in it."""

    __tablename__ = "refund_lines"
    refund_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("refunds.id"), primary_key=True)
    line_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("order_lines.id"), primary_key=True)
    quantity: Mapped[int] = mapped_column(Integer)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    tax_minor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    __table_args__ = (
        CheckConstraint("quantity >= 0 AND amount_minor >= 0", name="amounts_not_negative"),
        CheckConstraint("tax_minor BETWEEN 0 AND amount_minor", name="tax_within_amount"),
        Index("ix_refund_lines_line_id", "line_id"),
    )


class Parcel(Base):
    """A parcel of an order; `number` counts within it. What the carrier calls it and its label stand sealed.

    A parcel that is fetched at the shop has the carrier `pickup` and is out for delivery until it was fetched.
    """

    __tablename__ = "parcels"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"))
    number: Mapped[int] = mapped_column(SmallInteger)
    carrier: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, server_default="packed")
    tracking: Mapped[bytes | None] = mapped_column(LargeBinary)
    label: Mapped[bytes | None] = mapped_column(LargeBinary)
    deliver_from: Mapped[date | None] = mapped_column(Date)
    deliver_to: Mapped[date | None] = mapped_column(Date)
    exception_code: Mapped[str | None] = mapped_column(Text)
    packed_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    shipped_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    delivered_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    told_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    # When its carrier is asked for a label the next time, how often it was, and what it said.
    send_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    last_error: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (
        CheckConstraint(
            "state IN ('packed', 'label', 'in_transit', 'out_for_delivery', 'exception', 'delivered', 'lost',"
            " 'cancelled')",
            name="known_state",
        ),
        CheckConstraint("(state = 'delivered') = (delivered_at IS NOT NULL)", name="delivered_has_time"),
        CheckConstraint("state IN ('packed', 'label', 'cancelled') OR shipped_at IS NOT NULL", name="sent_has_time"),
        CheckConstraint("state <> 'label' OR carrier IS NOT NULL", name="label_has_carrier"),
        CheckConstraint("deliver_from <= deliver_to", name="window_in_order"),
        CheckConstraint("send_at IS NULL OR state IN ('packed', 'label')", name="waits_before_it_leaves"),
        Index("ix_parcels_send_at", "send_at", postgresql_where=text("send_at IS NOT NULL")),
        Index("uq_parcels_number", "order_id", "number", unique=True),
        Index(
            "ix_parcels_under_way",
            "carrier",
            "id",
            postgresql_where=text("state IN ('label', 'in_transit', 'out_for_delivery', 'exception')"),
        ),
    )


class ParcelLine(Base):
    """How many units of a line are in a parcel."""

    __tablename__ = "parcel_lines"
    parcel_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("parcels.id"), primary_key=True)
    line_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("order_lines.id"), primary_key=True)
    quantity: Mapped[int] = mapped_column(Integer)
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        Index("ix_parcel_lines_line_id", "line_id"),
    )


class ParcelEvent(Base):
    """What a carrier or staff said of a parcel, once: `key` is the carrier's id of it. Without places and names."""

    __tablename__ = "parcel_events"
    parcel_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("parcels.id"), primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    state: Mapped[str] = mapped_column(Text)
    code: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(TIMESTAMPTZ)
    taken: Mapped[bool] = mapped_column()
    noted_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        CheckConstraint(
            "state IN ('in_transit', 'out_for_delivery', 'exception', 'delivered', 'lost')", name="known_state"
        ),
    )


class CarrierCursor(Base):
    """Up to where a carrier's list of events was read."""

    __tablename__ = "carrier_cursors"
    carrier: Mapped[str] = mapped_column(Text, primary_key=True)
    cursor: Mapped[str] = mapped_column(Text)
    read_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
