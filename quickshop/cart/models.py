"""Tables of carts. A cart is active until it became an order or was merged into another."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from quickshop.extensions import Base
from quickshop.kernel.models import TIMESTAMPTZ

# Why an item cannot be bought as it stands; what its owner was told of it is kept in `cart_items.seen_problem`.
PROBLEMS = ("low_stock", "no_price", "out_of_stock", "withdrawn")


class Cart(Base):
    """A cart of a guest (user_id null) or of a member (at most one active); or of a draft order that staff made.

    `currency` null is the shop's own. `followed` says that somebody follows its live topic, so that changes are told.
    `uses_credit` says that what the shop owes its member shall pay. `held_since` is when it began to hold its stock.
    """

    __tablename__ = "carts"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(Text, server_default="active")
    order_id: Mapped[uuid.UUID | None]
    currency: Mapped[str | None] = mapped_column(Text)
    followed: Mapped[bool] = mapped_column(server_default=text("false"))
    uses_credit: Mapped[bool] = mapped_column(server_default=text("false"))
    held_since: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        CheckConstraint("state IN ('active', 'ordered', 'merged', 'draft')", name="known_state"),
        CheckConstraint("(state = 'ordered') = (order_id IS NOT NULL)", name="ordered_has_order"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_form"),
        Index("uq_carts_user_id", "user_id", unique=True, postgresql_where=text("state = 'active'")),
        Index("uq_carts_order_id", "order_id", unique=True),
        # By id, which is by age; a change of the cart leaves it alone.
        Index("ix_carts_guests", "id", postgresql_where=text("user_id IS NULL AND state <> 'ordered'")),
    )


class CartItem(Base):
    """A variant in a cart.

    `seen_price_minor` (in the cart's currency) and `seen_problem` are what its owner was last shown of it.
    """

    __tablename__ = "cart_items"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    cart_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("carts.id", ondelete="CASCADE"))
    variant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("variants.id"))
    quantity: Mapped[int] = mapped_column(Integer)
    seen_price_minor: Mapped[int | None] = mapped_column(BigInteger)
    seen_problem: Mapped[str | None] = mapped_column(Text)
    added_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        CheckConstraint("quantity BETWEEN 1 AND 9999", name="quantity_in_range"),
        CheckConstraint(f"seen_problem IN {PROBLEMS}", name="known_problem"),
        Index("uq_cart_items_variant", "cart_id", "variant_id", unique=True),
    )


class CartAside(Base):
    """What was taken out of a cart: saved for later, or removed a moment ago and able to come back.

    It belongs to a member (`user_id`), whatever becomes of the cart, or to a guest's cart. The price is the one that
    stood there then, so that a changed one can be told.
    """

    __tablename__ = "cart_asides"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    cart_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("carts.id", ondelete="CASCADE"))
    variant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("variants.id"))
    kind: Mapped[str] = mapped_column(Text)
    quantity: Mapped[int] = mapped_column(Integer)
    price_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        CheckConstraint("num_nonnulls(user_id, cart_id) = 1", name="one_owner"),
        CheckConstraint("kind IN ('saved', 'removed')", name="known_kind"),
        CheckConstraint("quantity BETWEEN 1 AND 9999", name="quantity_in_range"),
        CheckConstraint("(price_minor IS NULL) = (currency IS NULL)", name="price_has_currency"),
        Index("uq_cart_asides_user_id", "user_id", "variant_id", "kind", unique=True),
        Index("uq_cart_asides_cart_id", "cart_id", "variant_id", "kind", unique=True),
    )


class CartShare(Base):
    """What lay in a cart when it was shared: [{variant_id, quantity}], and nothing of whose it was."""

    __tablename__ = "cart_shares"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    items: Mapped[list[Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ)
    __table_args__ = (Index("ix_cart_shares_expires_at", "expires_at"),)


class CartCode(Base):
    """A code that was put on a cart: a promotion's as it was typed, or a gift card's by its last four characters."""

    __tablename__ = "cart_codes"
    cart_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("carts.id", ondelete="CASCADE"), primary_key=True)
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    credit_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("credits.id"))
    added_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        Index(
            "uq_cart_codes_credit_id",
            "cart_id",
            "credit_id",
            unique=True,
            postgresql_where=text("credit_id IS NOT NULL"),
        ),
    )
