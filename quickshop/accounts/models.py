"""Tables of people. Names, e-mail and phone stand sealed; what must be found has a blind index."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from quickshop.extensions import Base
from quickshop.kernel.models import TIMESTAMPTZ


class Person(Base):
    """Somebody we know something of: a member or the guest of one order. Erasing destroys the key."""

    __tablename__ = "persons"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    key_id: Mapped[str | None] = mapped_column(Text)
    wrapped_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    erased_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    __table_args__ = (CheckConstraint("(wrapped_key IS NULL) = (erased_at IS NOT NULL)", name="key_until_erased"),)


class User(Base):
    """A member or a member of staff."""

    __tablename__ = "users"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("persons.id"), unique=True)
    username: Mapped[str] = mapped_column(Text)
    email: Mapped[bytes] = mapped_column(LargeBinary)
    email_index: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    first_name: Mapped[bytes] = mapped_column(LargeBinary)
    last_name: Mapped[bytes] = mapped_column(LargeBinary)
    phone: Mapped[bytes | None] = mapped_column(LargeBinary)
    locale: Mapped[str] = mapped_column(Text, server_default="en")
    password_hash: Mapped[str] = mapped_column(Text)
    email_verified_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    vip: Mapped[bool] = mapped_column(server_default=text("false"))
    order_count: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    spent_minor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    event_seq: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    disabled_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        Index("uq_users_username", func.lower(text("username")), unique=True),
        CheckConstraint("username ~ '^[A-Za-z0-9_.-]{3,32}$'", name="username_form"),
        CheckConstraint("order_count >= 0 AND spent_minor >= 0", name="never_negative"),
    )


class Role(Base):
    """A named set of permissions, editable by staff."""

    __tablename__ = "roles"
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    permissions: Mapped[list[str]] = mapped_column(ARRAY(Text))


class UserRole(Base):
    """Who has which role."""

    __tablename__ = "user_roles"
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[str] = mapped_column(ForeignKey("roles.name"), primary_key=True)


class EmailToken(Base):
    """A single-use token sent by mail; only its digest is kept."""

    __tablename__ = "email_tokens"
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    purpose: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ)
    used_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        CheckConstraint("purpose IN ('verify_email', 'reset_password')", name="known_purpose"),
        Index("ix_email_tokens_user_id", "user_id", "purpose"),
    )


class Session(Base):
    """One sign-in on one device; the family of its refresh tokens."""

    __tablename__ = "sessions"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    device: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    last_used_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    ends_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ)
    revoked_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    revoked_reason: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (Index("ix_sessions_user_id", "user_id"),)


class RefreshToken(Base):
    """A refresh token's digest. At most one per session is current: the one not yet rotated."""

    __tablename__ = "refresh_tokens"
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    expires_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ)
    rotated_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        Index(
            "uq_refresh_tokens_current",
            "session_id",
            unique=True,
            postgresql_where=text("rotated_at IS NULL"),
        ),
    )


class AccountEvent(Base):
    """The account's own log: seq counts 1, 2, 3 … per person without a gap."""

    __tablename__ = "account_events"
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    type: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(TIMESTAMPTZ)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    request_id: Mapped[str | None] = mapped_column(Text)


class LoginFailure(Base):
    """Failed sign-ins per account and per address; in Postgres so that they outlive Redis."""

    __tablename__ = "login_failures"
    subject: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ)
