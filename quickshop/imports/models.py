"""Tables of imports: the file in pieces, what was read of it, what is wrong with it, and how far the work is.

Everything that a worker needs to go on stands here, so that any worker on any host can.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Integer, LargeBinary, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from quickshop.extensions import Base
from quickshop.kernel.models import TIMESTAMPTZ


class Import(Base):
    """One file and its work. `position` is the byte and `next_row` the number of the row to read next.

    `columns` are the fields of the file's columns in order, null for one that is not read. `failure` says in a word why
    it was refused or failed. A worker owns it while its lease lives.
    """

    __tablename__ = "imports"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, server_default="uploaded")
    stopped_in: Mapped[str | None] = mapped_column(Text)
    mode: Mapped[str] = mapped_column(Text, server_default="skip_bad")
    dry_run: Mapped[bool] = mapped_column(server_default=text("true"))
    header: Mapped[list[str]] = mapped_column(JSONB)
    columns: Mapped[list[str | None] | None] = mapped_column(JSONB)
    delimiter: Mapped[str] = mapped_column(Text)
    line_end: Mapped[str] = mapped_column(Text)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    position: Mapped[int] = mapped_column(BigInteger)
    next_row: Mapped[int] = mapped_column(Integer, server_default=text("2"))
    rows_read: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    rows_good: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    rows_bad: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    rows_new: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    rows_applied: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    applied_row: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    attempt: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    lease_token: Mapped[uuid.UUID | None]
    lease_until: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    next_run_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    told_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    changed_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    ended_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    failure: Mapped[str | None] = mapped_column(Text)
    last_error: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (
        CheckConstraint("kind IN ('products', 'prices', 'stock')", name="known_kind"),
        CheckConstraint("mode IN ('skip_bad', 'all_or_nothing')", name="known_mode"),
        CheckConstraint(
            "state IN ('uploaded', 'checking', 'checked', 'applying', 'finishing', 'done', 'stopped', 'refused',"
            " 'failed')",
            name="known_state",
        ),
        CheckConstraint("(state = 'stopped') = (stopped_in IS NOT NULL)", name="stopped_somewhere"),
        CheckConstraint("state = 'uploaded' OR columns IS NOT NULL", name="columns_before_work"),
        CheckConstraint("rows_good + rows_bad = rows_read", name="rows_add_up"),
        CheckConstraint("rows_applied <= rows_good", name="applied_are_good"),
        CheckConstraint("(ended_at IS NOT NULL) = (state IN ('done', 'refused', 'failed'))", name="ended_at_its_end"),
        Index(
            "ix_imports_next_run_at",
            "next_run_at",
            postgresql_where=text("state IN ('checking', 'applying', 'finishing')"),
        ),
    )


class ImportChunk(Base):
    """A piece of the file; all but the last have the same length (`uploading.CHUNK`)."""

    __tablename__ = "import_chunks"
    import_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class ImportRow(Base):
    """A row that was read. `data` is what to do, null where the row has errors; `sku` where it is the first with it."""

    __tablename__ = "import_rows"
    import_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True)
    row: Mapped[int] = mapped_column(Integer, primary_key=True)
    sku: Mapped[str | None] = mapped_column(Text)
    slug: Mapped[str | None] = mapped_column(Text)
    data: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    __table_args__ = (
        Index("uq_import_rows_sku", "import_id", "sku", unique=True),
        Index("ix_import_rows_slug", "import_id", "slug", postgresql_where=text("slug IS NOT NULL")),
    )


class ImportProduct(Base):
    """What the rows so far say of a product."""

    __tablename__ = "import_products"
    import_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True)
    slug: Mapped[str] = mapped_column(Text, primary_key=True)
    said: Mapped[dict[str, Any]] = mapped_column(JSONB)


class ImportTouched(Base):
    """A product that all or nothing has changed and whose read side must follow."""

    __tablename__ = "import_touched"
    import_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True)
    product_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)


class ImportFault(Base):
    """What is wrong with a row: a machine word, a sentence, and the field of the column (null: the whole row)."""

    __tablename__ = "import_errors"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    import_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("imports.id", ondelete="CASCADE"))
    row: Mapped[int] = mapped_column(Integer)
    field: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    detail: Mapped[str] = mapped_column(Text)
    __table_args__ = (Index("ix_import_errors_import_id", "import_id", "id"),)
