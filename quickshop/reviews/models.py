"""Tables of reviews. The text is public; its author is known by id only, and their name stands sealed in accounts."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, Integer, SmallInteger, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from quickshop.extensions import Base
from quickshop.kernel.models import TIMESTAMPTZ
from quickshop.reviews.rules import Held
from quickshop.reviews.states import State

_STATES = ", ".join(f"'{state}'" for state in State)
_HELD = ", ".join(f"'{reason}'" for reason in Held)
_PUBLISHED = text("state = 'published'")


class Review(Base):
    """What one buyer says of one product. A forgotten author's review keeps its rating and has no text.

    `version` grows with each change of its words or state, so that staff decide on what they have read.
    """

    __tablename__ = "reviews"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    product_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("products.id"))
    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id"))
    rating: Mapped[int] = mapped_column(SmallInteger)
    title: Mapped[str | None] = mapped_column(Text)
    body: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    held_because: Mapped[str | None] = mapped_column(Text)
    rejected_because: Mapped[str | None] = mapped_column(Text)
    helpful_count: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    unhelpful_count: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    score: Mapped[int] = mapped_column(Integer, Computed("helpful_count - unhelpful_count", persisted=True))
    version: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    edited_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    __table_args__ = (
        CheckConstraint("rating BETWEEN 1 AND 5", name="rating_in_range"),
        CheckConstraint(f"state IN ({_STATES})", name="known_state"),
        CheckConstraint(f"held_because IN ({_HELD})", name="known_held_because"),
        CheckConstraint("(state = 'pending') = (held_because IS NOT NULL)", name="pending_has_reason"),
        CheckConstraint("(state = 'rejected') = (rejected_because IS NOT NULL)", name="rejected_has_reason"),
        CheckConstraint("least(helpful_count, unhelpful_count) >= 0", name="counts_not_negative"),
        # Without an author there is no text, and no text waits for anybody.
        CheckConstraint("(user_id IS NULL) = (body IS NULL)", name="text_has_author"),
        CheckConstraint("user_id IS NOT NULL OR (title IS NULL AND state = 'published')", name="forgotten_is_bare"),
        Index("uq_reviews_author", "product_id", "user_id", unique=True),
        Index("ix_reviews_user_id", "user_id"),
        Index("ix_reviews_newest", "product_id", "id", postgresql_where=_PUBLISHED),
        Index("ix_reviews_rating", "product_id", "rating", "id", postgresql_where=_PUBLISHED),
        Index("ix_reviews_score", "product_id", "score", "id", postgresql_where=_PUBLISHED),
        Index("ix_reviews_state", "state", "id"),
    )


class ReviewVote(Base):
    """Whether one member found one review helpful."""

    __tablename__ = "review_votes"
    review_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("reviews.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    helpful: Mapped[bool]
    __table_args__ = (Index("ix_review_votes_user_id", "user_id"),)
