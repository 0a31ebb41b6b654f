"""Tables of orders. An order copies what it was made from, so later edits elsewhere cannot change it."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Sequence,
    SmallInteger,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from quickshop.extensions import Base
from quickshop.kernel.models import TIMESTAMPTZ
from quickshop.orders.states import MACHINES

order_numbers = Sequence("order_numbers", start=100001, metadata=Base.metadata)

# Paid orders that have not arrived whole. Of columns that change once only: most changes of an order touch no index.
OPEN = "confirmed_at IS NOT NULL AND delivered_at IS NULL"


def _known(column: str) -> CheckConstraint:
    machine = next(m for m in MACHINES if m.name == column)
    values = ", ".join(f"'{s}'" for s in type(machine.start))
    return CheckConstraint(f"{column} IN ({values})", name=f"known_{column}")


class Order(Base):
    """An order. `event_seq` is the last sequence number of its log.

    `tax_minor` came on top of the prices, `tax_included_minor` is contained in the total; lines and
    `shipping_tax_minor` sum to the two, and so do `tax_lines`, which tell them by rate.
    """

    __tablename__ = "orders"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(Text, unique=True)
    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("persons.id"))
    cart_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("carts.id"), unique=True)
    caller: Mapped[str] = mapped_column(Text)
    client_reference: Mapped[str | None] = mapped_column(Text)
    email: Mapped[bytes] = mapped_column(LargeBinary)
    shipping_address: Mapped[bytes] = mapped_column(LargeBinary)
    billing_address: Mapped[bytes | None] = mapped_column(LargeBinary)
    country: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, server_default="placed")
    payment_status: Mapped[str] = mapped_column(Text, server_default="pending")
    fulfilment_status: Mapped[str] = mapped_column(Text, server_default="unfulfilled")
    hold_reason: Mapped[str | None] = mapped_column(Text)
    failure_code: Mapped[str | None] = mapped_column(Text)
    priority: Mapped[str] = mapped_column(Text)
    priority_reason: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    subtotal_minor: Mapped[int] = mapped_column(BigInteger)
    discount_minor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    shipping_minor: Mapped[int] = mapped_column(BigInteger)
    tax_minor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    tax_included_minor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    shipping_tax_minor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    tax_lines: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'"))
    total_minor: Mapped[int] = mapped_column(BigInteger)
    credit_minor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    shipping_method: Mapped[dict[str, Any]] = mapped_column(JSONB)
    deliver_from: Mapped[date] = mapped_column(Date)
    deliver_to: Mapped[date] = mapped_column(Date)
    # Until the next migration a token may stand in the clear where code older than this one wrote it.
    payment_token: Mapped[str | None] = mapped_column(Text)
    payment_token_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    payment_method_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("payment_methods.id", ondelete="SET NULL"))
    payment_round: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    next_action: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    event_seq: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    request_id: Mapped[str | None] = mapped_column(Text)
    placed_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ)
    confirmed_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    # From the first packed parcel on an order is cancelled only by agreement.
    packing_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    delivered_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    # What is expected by now; null while it is what was promised.
    expected_from: Mapped[date | None] = mapped_column(Date)
    expected_to: Mapped[date | None] = mapped_column(Date)
    digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    __table_args__ = (
        _known("status"),
        _known("payment_status"),
        _known("fulfilment_status"),
        CheckConstraint("priority IN ('vip', 'high', 'standard')", name="known_priority"),
        CheckConstraint("(status = 'on_hold') = (hold_reason IS NOT NULL)", name="hold_has_reason"),
        CheckConstraint(
            "total_minor = subtotal_minor - discount_minor + shipping_minor + tax_minor", name="total_adds_up"
        ),
        CheckConstraint(
            "least(subtotal_minor, discount_minor, shipping_minor, tax_minor, total_minor) >= 0",
            name="amounts_not_negative",
        ),
        CheckConstraint("tax_included_minor BETWEEN 0 AND total_minor", name="included_tax_within_total"),
        CheckConstraint(
            "shipping_tax_minor BETWEEN 0 AND tax_minor + tax_included_minor", name="shipping_tax_within_tax"
        ),
        CheckConstraint("credit_minor BETWEEN 0 AND total_minor", name="credit_within_total"),
        CheckConstraint("deliver_from <= deliver_to", name="window_in_order"),
        CheckConstraint("expected_from <= expected_to", name="expected_in_order"),
        Index("ix_orders_open", "confirmed_at", "id", postgresql_where=text(OPEN)),
        Index(
            "uq_orders_client_reference",
            "caller",
            "client_reference",
            unique=True,
            postgresql_where=text("client_reference IS NOT NULL"),
        ),
        Index("ix_orders_user_id", "user_id", "placed_at", "id", postgresql_where=text("user_id IS NOT NULL")),
        Index("ix_orders_placed_at", "placed_at", "id"),
        Index(
            "ix_orders_payment_method_id",
            "payment_method_id",
            postgresql_where=text("payment_method_id IS NOT NULL"),
        ),
        Index("ix_orders_client_ref_lookup", "client_reference"),
        Index("ix_orders_guest", "caller", "placed_at", postgresql_where=text("user_id IS NULL")),
    )


class OrderTransition(Base):
    """A move of one field that the database allows; a trigger refuses all others. Filled by the migrations."""

    __tablename__ = "order_transitions"
    field: Mapped[str] = mapped_column(Text, primary_key=True)
    before: Mapped[str] = mapped_column(Text, primary_key=True)
    after: Mapped[str] = mapped_column(Text, primary_key=True)


class OrderLine(Base):
    """One line: the product as it was, the price as it was.

    `tax_minor` is contained in `total_minor` where `tax_included`, else it comes on top; `tax_rate` is in millionths.
    """

    __tablename__ = "order_lines"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"))
    position: Mapped[int] = mapped_column(SmallInteger)
    variant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("variants.id"))
    sku: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    options: Mapped[dict[str, Any]] = mapped_column(JSONB)
    quantity: Mapped[int] = mapped_column(Integer)
    unit_price_minor: Mapped[int] = mapped_column(BigInteger)
    discount_minor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    total_minor: Mapped[int] = mapped_column(BigInteger)
    tax_minor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    tax_rate: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    tax_included: Mapped[bool] = mapped_column(server_default=text("true"))
    __table_args__ = (
        CheckConstraint("tax_minor >= 0 AND tax_rate >= 0", name="tax_not_negative"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("total_minor = quantity * unit_price_minor - discount_minor", name="total_adds_up"),
        CheckConstraint("total_minor >= 0 AND discount_minor >= 0", name="amounts_not_negative"),
        Index("uq_order_lines_position", "order_id", "position", unique=True),
        Index("ix_order_lines_sku", "sku"),
    )


class OrderDiscount(Base):
    """What one rule took off one line, or off shipping (`line` 0). `position` counts the rules of the order.

    The rows of a line sum to its discount, all of them to the order's.
    """

    __tablename__ = "order_discounts"
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    line: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    promotion_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("promotions.id"))
    rule: Mapped[str] = mapped_column(Text)
    label: Mapped[str] = mapped_column(Text)
    code: Mapped[str | None] = mapped_column(Text)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (
        CheckConstraint("position > 0 AND line >= 0", name="places_from_one"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("(promotion_id IS NULL) = (rule = 'tax_exemption')", name="promotion_named"),
        Index("ix_order_discounts_promotion_id", "promotion_id", postgresql_where=text("promotion_id IS NOT NULL")),
    )


class OrderEvent(Base):
    """The order's log: seq counts 1, 2, 3 … without a gap, allocated under the order's row lock."""

    __tablename__ = "order_events"
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    type: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(TIMESTAMPTZ)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    request_id: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (CheckConstraint("seq > 0", name="seq_positive"),)


class OrderProcessing(Base):
    """The work still to do on an order and who does it now. Narrow, as it is written at every step.

    A step belongs to the holder of `lease_token` until `lease_until`; a write with another token hits no row.
    Of the present stage: its `position` among those of the order, since when (`entered_at`), when a worker first
    took it, how often, and why it had to be tried again. `stopped_at`: it waits for a person, and why.
    """

    __tablename__ = "order_processing"
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    queue: Mapped[str] = mapped_column(Text)
    step: Mapped[str] = mapped_column(Text, server_default="authorize")
    attempt: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    lease_token: Mapped[uuid.UUID | None]
    lease_until: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    next_run_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    hinted_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    waiting_since: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    started_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    ended_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    last_error: Mapped[str | None] = mapped_column(Text)
    position: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    entered_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    taken_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    tries: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    retries: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'"))
    stopped_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    stopped_why: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (
        CheckConstraint("position > 0 AND tries >= 0", name="counts_from_one"),
        CheckConstraint("(stopped_at IS NULL) = (stopped_why IS NULL)", name="stopped_with_reason"),
        CheckConstraint("step IN ('authorize', 'capture', 'void', 'refund', 'done')", name="known_step"),
        CheckConstraint("(step = 'done') = (next_run_at IS NULL)", name="due_until_done"),
        CheckConstraint("(step = 'done') = (ended_at IS NOT NULL)", name="ended_when_done"),
        CheckConstraint("(lease_token IS NULL) = (lease_until IS NULL)", name="lease_whole"),
        Index("ix_order_processing_due", "next_run_at", postgresql_where=text("step <> 'done'")),
        Index("ix_order_processing_ended_at", "ended_at", postgresql_where=text("ended_at IS NOT NULL")),
        Index("ix_order_processing_stopped", "stopped_at", postgresql_where=text("stopped_at IS NOT NULL")),
    )


class OrderStage(Base):
    """A stage that an order has passed: a step of work, or a hold while it waited for a person (`wait_reason`).

    Entered, first taken by a worker, and over; `retries` tells of each time it had to be tried again: [{at, error}].
    """

    __tablename__ = "order_stages"
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    stage: Mapped[str] = mapped_column(Text)
    entered_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ)
    started_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    ended_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ)
    attempts: Mapped[int] = mapped_column(SmallInteger)
    outcome: Mapped[str] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(Text)
    wait_reason: Mapped[str | None] = mapped_column(Text)
    retries: Mapped[list[Any]] = mapped_column(JSONB)
    __table_args__ = (
        CheckConstraint("position > 0 AND attempts >= 0", name="counts_from_one"),
        CheckConstraint("stage IN ('authorize', 'capture', 'void', 'refund', 'hold')", name="known_stage"),
        CheckConstraint(
            "outcome IN ('passed', 'refused', 'held', 'gave_up', 'cancelled', 'released', 'replayed')",
            name="known_outcome",
        ),
        CheckConstraint("(stage = 'hold') = (wait_reason IS NOT NULL)", name="hold_has_reason"),
        Index("ix_order_stages_ended_at", "ended_at", postgresql_using="brin"),
    )


class OrderNote(Base):
    """What staff write about an order for each other; sealed with the key of whose order it is."""

    __tablename__ = "order_notes"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("persons.id"))
    author_id: Mapped[uuid.UUID | None]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        Index("ix_order_notes_order_id", "order_id", "at", "id"),
        Index("ix_order_notes_person_id", "person_id"),
    )


class OrderSignals(Base):
    """What one try to pay for an order could have in common with others, as keyed digests; kept for some days.

    A round after the first has the account and the new card only: parcel and device were counted with the order.
    `card` is of the token; `fingerprint` is of the card itself and `card_country` where that was issued, once its
    provider was asked.
    """

    __tablename__ = "order_signals"
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    round: Mapped[int] = mapped_column(SmallInteger, primary_key=True, server_default=text("1"))
    account: Mapped[bytes] = mapped_column(LargeBinary)
    card: Mapped[bytes | None] = mapped_column(LargeBinary)
    fingerprint: Mapped[bytes | None] = mapped_column(LargeBinary)
    card_country: Mapped[str | None] = mapped_column(Text)
    address: Mapped[bytes | None] = mapped_column(LargeBinary)
    device: Mapped[bytes | None] = mapped_column(LargeBinary)
    countries: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    declined: Mapped[bool] = mapped_column(server_default=text("false"))
    at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        CheckConstraint("round > 0", name="round_positive"),
        CheckConstraint("card_country ~ '^[A-Z]{2}$'", name="card_country_form"),
        Index("ix_order_signals_account", "account", "at"),
        Index("ix_order_signals_card", "card", "at"),
        Index("ix_order_signals_fingerprint", "fingerprint", "at", postgresql_where=text("fingerprint IS NOT NULL")),
        Index("ix_order_signals_address", "address", "at", postgresql_where=text("address IS NOT NULL")),
        Index("ix_order_signals_device", "device", "at", postgresql_where=text("device IS NOT NULL")),
        Index("ix_order_signals_declined_account", "account", "at", postgresql_where=text("declined")),
        Index("ix_order_signals_declined_card", "card", "at", postgresql_where=text("declined")),
        Index("ix_order_signals_at", "at", postgresql_using="brin"),
    )


class OrderRisk(Base):
    """The score of an order that broke a rule, why, and what was decided. Of the last round that was looked at."""

    __tablename__ = "order_risks"
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    round: Mapped[int] = mapped_column(SmallInteger)
    score: Mapped[int] = mapped_column(Integer)
    reasons: Mapped[list[Any]] = mapped_column(JSONB)
    outcome: Mapped[str] = mapped_column(Text)
    scored_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    expires_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    decided: Mapped[str | None] = mapped_column(Text)
    decided_by: Mapped[uuid.UUID | None]
    decided_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    __table_args__ = (
        CheckConstraint("score > 0", name="score_positive"),
        CheckConstraint("outcome IN ('pass', 'confirm', 'review')", name="known_outcome"),
        CheckConstraint("(outcome = 'pass') = (expires_at IS NULL)", name="waits_until"),
        CheckConstraint("decided IN ('confirmed', 'approved', 'rejected', 'expired')", name="known_decision"),
        CheckConstraint("(decided IS NULL) = (decided_at IS NULL)", name="decision_whole"),
        CheckConstraint("decided IS NULL OR outcome <> 'pass'", name="decided_what_waits"),
        Index(
            "ix_order_risks_expires_at",
            "expires_at",
            postgresql_where=text("decided IS NULL AND expires_at IS NOT NULL"),
        ),
    )
