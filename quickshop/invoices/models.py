"""Tables of invoices and credit notes. What was issued never changes: a trigger refuses whoever tries."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from quickshop.extensions import Base
from quickshop.kernel.models import TIMESTAMPTZ


class InvoiceSeries(Base):
    """A series of numbers, such as INV-2026. Its row is the lock under which the next number is given.

    `last_at` is when that happened, so that in a series a later number never has an earlier time.
    """

    __tablename__ = "invoice_series"
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    last_number: Mapped[int] = mapped_column(BigInteger)
    last_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ)
    __table_args__ = (
        CheckConstraint("kind IN ('invoice', 'credit_note')", name="known_kind"),
        CheckConstraint("last_number > 0", name="counts_from_one"),
        CheckConstraint("name ~ '^[A-Z0-9]{1,8}-[0-9]{4}$'", name="name_form"),
    )


class Invoice(Base):
    """An invoice of an order, or a credit note of one refund.

    `document` is all that is printed but the buyer, who stands sealed in `buyer`; both are frozen. `tax_minor` is all
    tax of the total, contained in the prices or on top of them. `code` is series and number as people read them.
    """

    __tablename__ = "invoices"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    series: Mapped[str] = mapped_column(ForeignKey("invoice_series.name"))
    number: Mapped[int] = mapped_column(BigInteger)
    code: Mapped[str] = mapped_column(Text, unique=True)
    kind: Mapped[str] = mapped_column(Text)
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"))
    refund_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("refunds.id"), unique=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("persons.id"))
    currency: Mapped[str] = mapped_column(Text)
    total_minor: Mapped[int] = mapped_column(BigInteger)
    tax_minor: Mapped[int] = mapped_column(BigInteger)
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    buyer: Mapped[bytes] = mapped_column(LargeBinary)
    issued_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ)
    __table_args__ = (
        CheckConstraint("kind IN ('invoice', 'credit_note')", name="known_kind"),
        CheckConstraint("(kind = 'credit_note') = (refund_id IS NOT NULL)", name="credits_a_refund"),
        CheckConstraint("number > 0", name="counts_from_one"),
        CheckConstraint(
            "code = series || '-' || lpad(CAST(number AS text), greatest(6, length(CAST(number AS text))), '0')",
            name="code_of_number",
        ),
        CheckConstraint("tax_minor BETWEEN 0 AND total_minor", name="tax_within_total"),
        Index("uq_invoices_number", "series", "number", unique=True),
        Index("uq_invoices_order", "order_id", unique=True, postgresql_where=text("kind = 'invoice'")),
        Index("ix_invoices_order_id", "order_id"),
        Index("ix_invoices_issued_at", "issued_at", "id"),
        Index("ix_invoices_person_id", "person_id"),
    )


class InvoiceFile(Base):
    """The PDF of an invoice, sealed for its buyer; `sha256` and `size` (bytes) are of the open file.

    Until it is made the row is work that is due at `due_at`. An erasure takes the file and leaves its digest.
    """

    __tablename__ = "invoice_files"
    invoice_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("invoices.id"), primary_key=True)
    due_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    last_error: Mapped[str | None] = mapped_column(Text)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    size: Mapped[int | None]
    made_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    __table_args__ = (
        CheckConstraint("(due_at IS NULL) = (sha256 IS NOT NULL)", name="due_until_made"),
        CheckConstraint("num_nonnulls(sha256, size, made_at) IN (0, 3)", name="made_whole"),
        CheckConstraint("sealed IS NULL OR sha256 IS NOT NULL", name="file_has_digest"),
        Index("ix_invoice_files_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )
