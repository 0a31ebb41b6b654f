"""Tables of carts. A cart is active until it became an order or was merged into another."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from quickshop.extensions import Base
from quickshop.kernel.models import TIMESTAMPTZ


class Cart(Base):
    """A cart of a guest (user_id null) or of a member (at most one active)."""

    __tablename__ = "carts"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(Text, server_default="active")
    order_id: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        CheckConstraint("state IN ('active', 'ordered', 'merged')", name="known_state"),
        CheckConstraint("(state = 'ordered') = (order_id IS NOT NULL)", name="ordered_has_order"),
        Index("uq_carts_user_id", "user_id", unique=True, postgresql_where=text("state = 'active'")),
        Index("uq_carts_order_id", "order_id", unique=True),
    )


class CartItem(Base):
    """A variant in a cart."""

    __tablename__ = "cart_items"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    cart_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("carts.id", ondelete="CASCADE"))
    variant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("variants.id"))
    quantity: Mapped[int] = mapped_column(Integer)
    added_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        CheckConstraint("quantity BETWEEN 1 AND 9999", name="quantity_in_range"),
        Index("uq_cart_items_variant", "cart_id", "variant_id", unique=True),
    )
