"""Tables of promotions, codes, their uses, and credit: gift cards and what the shop owes its members."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from quickshop.extensions import Base
from quickshop.kernel.models import TIMESTAMPTZ


class PromotionRow(Base):
    """A promotion as staff set it. Rates in basis points; `amounts` and `minimums` map currencies to minor units.

    `tiers` is a list of {rate, from: {currency: minor units}}. An `automatic` one needs no code. Empty scopes mean
    everything. `used` counts orders where there is a limit; without one nobody waits for the row.
    """

    __tablename__ = "promotions"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    label: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    automatic: Mapped[bool] = mapped_column(server_default=text("false"))
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    exclusive: Mapped[bool] = mapped_column(server_default=text("false"))
    priority: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    rate: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    amounts: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    tiers: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'"))
    buy: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    get: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    minimums: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    category_ids: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid), server_default=text("'{}'"))
    product_ids: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid), server_default=text("'{}'"))
    segments: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    first_order: Mapped[bool] = mapped_column(server_default=text("false"))
    starts_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    ends_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    total_limit: Mapped[int | None] = mapped_column(Integer)
    person_limit: Mapped[int | None] = mapped_column(Integer)
    used: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    version: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        CheckConstraint("kind IN ('percent', 'fixed', 'tiered', 'buy_x_get_y', 'free_shipping')", name="known_kind"),
        CheckConstraint("rate BETWEEN 0 AND 10000", name="rate_in_range"),
        CheckConstraint("kind NOT IN ('percent', 'buy_x_get_y') OR rate > 0", name="rate_where_needed"),
        CheckConstraint("kind <> 'fixed' OR amounts <> '{}'", name="amount_where_needed"),
        CheckConstraint("kind <> 'tiered' OR tiers <> '[]'", name="tiers_where_needed"),
        CheckConstraint("kind <> 'buy_x_get_y' OR (buy > 0 AND get > 0)", name="units_where_needed"),
        CheckConstraint("ends_at > starts_at", name="ends_after_it_starts"),
        CheckConstraint("total_limit > 0", name="total_limit_positive"),
        CheckConstraint("person_limit BETWEEN 1 AND 1000", name="person_limit_in_range"),
        CheckConstraint("used >= 0 AND (total_limit IS NULL OR used <= total_limit)", name="used_within_limit"),
        Index("ix_promotions_automatic", "id", postgresql_where=text("active AND automatic")),
    )


class PromotionCode(Base):
    """A code by which a promotion is asked for, in upper case; `used` counts where it has a limit of its own."""

    __tablename__ = "promotion_codes"
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    promotion_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("promotions.id"))
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    total_limit: Mapped[int | None] = mapped_column(Integer)
    used: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        CheckConstraint("code ~ '^[A-Z0-9_.]{3,40}$'", name="code_form"),
        CheckConstraint("total_limit > 0", name="total_limit_positive"),
        CheckConstraint("used >= 0 AND (total_limit IS NULL OR used <= total_limit)", name="used_within_limit"),
        Index("ix_promotion_codes_promotion_id", "promotion_id", "code"),
    )


class PromotionUse(Base):
    """That an order used a promotion. `number` counts a person's uses where there is a limit for each.

    A use that is given back has the time of it, and its number is free again.
    """

    __tablename__ = "promotion_uses"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    promotion_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("promotions.id"))
    order_id: Mapped[uuid.UUID]
    code: Mapped[str | None] = mapped_column(ForeignKey("promotion_codes.code"))
    caller: Mapped[str] = mapped_column(Text)
    number: Mapped[int | None] = mapped_column(SmallInteger)
    at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    given_back_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    __table_args__ = (
        CheckConstraint("number > 0", name="number_positive"),
        Index("ix_promotion_uses_order_id", "order_id"),
        Index(
            "uq_promotion_uses_order",
            "promotion_id",
            "order_id",
            unique=True,
            postgresql_where=text("given_back_at IS NULL"),
        ),
        Index(
            "uq_promotion_uses_number",
            "promotion_id",
            "caller",
            "number",
            unique=True,
            postgresql_where=text("given_back_at IS NULL AND number IS NOT NULL"),
        ),
    )


class Credit(Base):
    """Money that pays: a gift card, or what the shop owes a member in one currency. The ledger says why.

    A gift card's code is kept as a keyed digest, with its last four characters to tell it by.
    """

    __tablename__ = "credits"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id"))
    code_digest: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    last4: Mapped[str | None] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    balance_minor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    expires_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        CheckConstraint("kind IN ('gift_card', 'store_credit')", name="known_kind"),
        CheckConstraint("(kind = 'store_credit') = (user_id IS NOT NULL)", name="store_credit_has_owner"),
        CheckConstraint("(kind = 'gift_card') = (code_digest IS NOT NULL)", name="gift_card_has_code"),
        CheckConstraint("(code_digest IS NULL) = (last4 IS NULL)", name="code_whole"),
        CheckConstraint("balance_minor >= 0", name="balance_not_negative"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_form"),
        Index(
            "uq_credits_store_credit",
            "user_id",
            "currency",
            unique=True,
            postgresql_where=text("kind = 'store_credit'"),
        ),
        Index("ix_credits_created_at", "created_at", "id"),
    )


class CreditEntry(Base):
    """One movement of a credit with its cause; the sum of a credit's entries is its balance."""

    __tablename__ = "credit_entries"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    credit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("credits.id"))
    delta_minor: Mapped[int] = mapped_column(BigInteger)
    cause: Mapped[str] = mapped_column(Text)
    order_id: Mapped[uuid.UUID | None]
    note: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        CheckConstraint(
            "cause IN ('issued', 'given_back', 'refunded') AND delta_minor > 0 OR cause = 'spent' AND delta_minor < 0"
            " OR cause = 'corrected' AND delta_minor <> 0",
            name="known_cause",
        ),
        CheckConstraint(
            "(cause IN ('spent', 'given_back')) = (order_id IS NOT NULL) OR cause = 'refunded'", name="order_named"
        ),
        Index("ix_credit_entries_credit_id", "credit_id", "id"),
        Index("ix_credit_entries_order_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
    )
