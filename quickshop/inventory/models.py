"""Tables of stock. The numbers can never go below zero, whoever writes; every movement has a row."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Integer, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from quickshop.extensions import Base
from quickshop.kernel.models import TIMESTAMPTZ


class StockItem(Base):
    """Units of a variant: `on_hand` are in the house, `held` of those are promised.

    At `low_at` units in the house or fewer staff are told; null stands for the setting LOW_STOCK_AT.
    """

    __tablename__ = "stock_items"
    variant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("variants.id"), primary_key=True)
    on_hand: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    held: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    low_at: Mapped[int | None] = mapped_column(Integer)
    __table_args__ = (
        CheckConstraint("low_at >= 0", name="low_at_not_negative"),
        CheckConstraint("on_hand >= 0", name="on_hand_not_negative"),
        CheckConstraint("held >= 0 AND held <= on_hand", name="held_within_on_hand"),
    )


class StockHold(Base):
    """Units promised to a cart (until `expires_at`) or to an order (until committed or released).

    `warned_at` is when the cart's followers were told that the end is near.
    """

    __tablename__ = "stock_holds"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    cart_id: Mapped[uuid.UUID | None]
    order_id: Mapped[uuid.UUID | None]
    state: Mapped[str] = mapped_column(Text, server_default="live")
    expires_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    warned_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        CheckConstraint("state IN ('live', 'committed', 'released')", name="known_state"),
        CheckConstraint("num_nonnulls(cart_id, order_id) = 1", name="one_owner"),
        CheckConstraint("cart_id IS NULL OR expires_at IS NOT NULL", name="cart_holds_expire"),
        Index("uq_stock_holds_cart_id", "cart_id", unique=True, postgresql_where=text("state = 'live'")),
        Index("uq_stock_holds_order_id", "order_id", unique=True, postgresql_where=text("state <> 'released'")),
        Index(
            "ix_stock_holds_expires_at",
            "expires_at",
            postgresql_where=text("state = 'live' AND cart_id IS NOT NULL"),
        ),
    )


class StockHoldLine(Base):
    """How many units of a variant a hold has."""

    __tablename__ = "stock_hold_lines"
    hold_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("stock_holds.id", ondelete="CASCADE"), primary_key=True)
    variant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("stock_items.variant_id"), primary_key=True)
    quantity: Mapped[int] = mapped_column(Integer)
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"),)


class StockMovement(Base):
    """A change of `on_hand` with its cause; the sum of a variant's movements is its `on_hand`.

    `note` is what staff wrote beside it; never about a person.
    """

    __tablename__ = "stock_movements"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    variant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("stock_items.variant_id"))
    delta: Mapped[int] = mapped_column(Integer)
    cause: Mapped[str] = mapped_column(Text)
    order_id: Mapped[uuid.UUID | None]
    note: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        CheckConstraint("delta <> 0", name="delta_not_zero"),
        CheckConstraint(
            "cause IN ('received', 'returned') AND delta > 0 OR cause IN ('sold', 'damaged', 'lost') AND delta < 0"
            " OR cause = 'corrected'",
            name="known_cause",
        ),
        Index("ix_stock_movements_variant_id", "variant_id", "id"),
        Index("ix_stock_movements_at", "at", postgresql_using="brin"),
        Index(
            "uq_stock_movements_sold",
            "order_id",
            "variant_id",
            unique=True,
            postgresql_where=text("cause = 'sold'"),
        ),
    )


class LowStock(Base):
    """A variant that the watch found low, since when, and that staff were told: once until there is enough again.

    It refers to the variant, not to its stock: the reference's lock would wait for those who buy.
    """

    __tablename__ = "low_stock"
    variant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("variants.id", ondelete="CASCADE"), primary_key=True)
    since: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
