"""Tables of checkout: orders that staff prepare for somebody, who pays them by a link."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Sequence, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from quickshop.extensions import Base
from quickshop.kernel.models import TIMESTAMPTZ

draft_numbers = Sequence("draft_numbers", start=1001, metadata=Base.metadata)


class OrderDraft(Base):
    """An order that staff prepared and nobody has paid yet: a cart of its own (`draft`), to whom it goes and how.

    `for_order_id`: goods that were added to that order. E-mail and address are sealed with the person's key.
    """

    __tablename__ = "order_drafts"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(Text, unique=True)
    state: Mapped[str] = mapped_column(Text, server_default="open")
    cart_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("carts.id"), unique=True)
    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("persons.id"))
    email: Mapped[bytes] = mapped_column(LargeBinary)
    shipping_address: Mapped[bytes] = mapped_column(LargeBinary)
    shipping_method: Mapped[str] = mapped_column(Text)
    free_shipping: Mapped[bool] = mapped_column(server_default=text("false"))
    for_order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("orders.id"))
    order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("orders.id"), unique=True)
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ)
    __table_args__ = (
        CheckConstraint("state IN ('open', 'ordered', 'cancelled')", name="known_state"),
        CheckConstraint("(state = 'ordered') = (order_id IS NOT NULL)", name="ordered_has_order"),
        Index("ix_order_drafts_created_at", "created_at", "id"),
        Index("ix_order_drafts_for_order_id", "for_order_id", postgresql_where=text("for_order_id IS NOT NULL")),
        Index("ix_order_drafts_person_id", "person_id"),
    )
