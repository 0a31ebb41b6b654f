"""Tables of wishlists and alerts. A list's name may be personal and stands sealed; so does a guest's address."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, LargeBinary, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from quickshop.extensions import Base
from quickshop.kernel.models import TIMESTAMPTZ


class Wishlist(Base):
    """A member's list. A shared one is seen by whoever holds its link; `share_number` changes to end old links."""

    __tablename__ = "wishlists"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[bytes] = mapped_column(LargeBinary)
    is_default: Mapped[bool] = mapped_column(server_default=text("false"))
    shared: Mapped[bool] = mapped_column(server_default=text("false"))
    share_number: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    price_alerts: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        Index("ix_wishlists_user_id", "user_id", "id"),
        Index("uq_wishlists_default", "user_id", unique=True, postgresql_where=text("is_default")),
    )


class WishlistItem(Base):
    """A variant on a list, and its price when it was put there."""

    __tablename__ = "wishlist_items"
    wishlist_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("wishlists.id", ondelete="CASCADE"), primary_key=True)
    variant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("variants.id", ondelete="CASCADE"), primary_key=True)
    price_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    added_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (Index("ix_wishlist_items_variant_id", "variant_id"),)


class StockAlert(Base):
    """Somebody wants to hear, once, that a variant can be had again: a member, or a guest whose address is sealed.

    A guest's alert waits only after the mailed link was followed; of its token the digest is kept.
    """

    __tablename__ = "stock_alerts"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    variant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("variants.id", ondelete="CASCADE"))
    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    person_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("persons.id"))
    email: Mapped[bytes | None] = mapped_column(LargeBinary)
    email_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    token_hash: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    state: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    told_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    __table_args__ = (
        CheckConstraint("state IN ('unconfirmed', 'waiting', 'told')", name="known_state"),
        CheckConstraint("(state = 'told') = (told_at IS NOT NULL)", name="told_has_time"),
        CheckConstraint("(state = 'unconfirmed') = (token_hash IS NOT NULL)", name="unconfirmed_has_token"),
        CheckConstraint("num_nonnulls(user_id, person_id) = 1", name="member_or_guest"),
        CheckConstraint(
            "(person_id IS NULL) = (email IS NULL) AND (person_id IS NULL) = (email_index IS NULL)",
            name="guest_has_address",
        ),
        CheckConstraint("user_id IS NULL OR state <> 'unconfirmed'", name="members_are_confirmed"),
        Index(
            "uq_stock_alerts_member",
            "user_id",
            "variant_id",
            unique=True,
            postgresql_where=text("user_id IS NOT NULL AND state <> 'told'"),
        ),
        Index(
            "uq_stock_alerts_guest",
            "email_index",
            "variant_id",
            unique=True,
            postgresql_where=text("email_index IS NOT NULL AND state <> 'told'"),
        ),
        Index("ix_stock_alerts_waiting", "variant_id", "id", postgresql_where=text("state = 'waiting'")),
        Index("ix_stock_alerts_user_id", "user_id", postgresql_where=text("user_id IS NOT NULL")),
        Index("ix_stock_alerts_person_id", "person_id", postgresql_where=text("person_id IS NOT NULL")),
        Index("ix_stock_alerts_asked_at", "asked_at", postgresql_where=text("state <> 'waiting'")),
    )
