"""Tables of people. Names, e-mail and phone stand sealed; what must be found has a blind index."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, Text, func, text
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
    tax_exempt: Mapped[bool] = mapped_column(server_default=text("false"))
    segment: Mapped[str | None] = mapped_column(Text)
    order_count: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    spent_minor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    spent: Mapped[dict[str, int]] = mapped_column(JSONB, server_default=text("'{}'"))
    event_seq: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    version: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    disabled_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    erased_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        Index("uq_users_username", func.lower(text("username")), unique=True),
        CheckConstraint("username ~ '^[A-Za-z0-9_.-]{3,32}$'", name="username_form"),
        CheckConstraint("order_count >= 0 AND spent_minor >= 0", name="never_negative"),
        CheckConstraint("segment ~ '^[a-z][a-z0-9-]{0,39}$'", name="segment_form"),
    )


class Role(Base):
    """A named set of permissions, editable by staff."""

    __tablename__ = "roles"
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    permissions: Mapped[list[str]] = mapped_column(ARRAY(Text))
    description: Mapped[str] = mapped_column(Text, server_default="")
    built_in: Mapped[bool] = mapped_column(server_default=text("false"))
    __table_args__ = (CheckConstraint("name ~ '^[a-z][a-z0-9-]{1,39}$'", name="name_form"),)


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
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    used_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        CheckConstraint("purpose IN ('verify_email', 'reset_password', 'change_email')", name="known_purpose"),
        # The new address of a change of e-mail, sealed by the person's key.
        CheckConstraint("(purpose = 'change_email') = (sealed IS NOT NULL)", name="new_address_known"),
        Index("ix_email_tokens_user_id", "user_id", "purpose"),
    )


class Session(Base):
    """One sign-in on one device; the family of its refresh tokens.

    `kind` decides how long it may idle. `proved_at` is when the password or a passkey was last given in it,
    `second_factor_at` when a second factor was; NULL for a session that one factor opened.
    """

    __tablename__ = "sessions"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    device: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text, server_default="app")
    network: Mapped[str | None] = mapped_column(Text)
    proved_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    second_factor_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    last_used_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    ends_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ)
    revoked_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    revoked_reason: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (
        CheckConstraint("kind IN ('web', 'app')", name="known_kind"),
        Index("ix_sessions_user_id", "user_id"),
    )


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


class TwoFactor(Base):
    """A user's time-based one-time password. `last_step` is the last accepted step: no code is good twice."""

    __tablename__ = "two_factors"
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    enabled_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    last_step: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())


class RecoveryCode(Base):
    """A code that stands in for the second factor, once; only its keyed digest is kept."""

    __tablename__ = "recovery_codes"
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    used_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)


class Passkey(Base):
    """A WebAuthn credential of a user. `sign_count` is the authenticator's own counter, 0 where it has none."""

    __tablename__ = "passkeys"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    credential_id: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    name: Mapped[str] = mapped_column(Text)
    transports: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    backed_up: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    last_used_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    __table_args__ = (Index("ix_passkeys_user_id", "user_id"),)


class Challenge(Base):
    """A question put to a client that its next call must answer, once: a second factor, or a passkey's signature."""

    __tablename__ = "challenges"
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    purpose: Mapped[str] = mapped_column(Text)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    expires_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ)
    used_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    __table_args__ = (
        CheckConstraint("purpose IN ('second_factor', 'passkey_register', 'passkey_login')", name="known_purpose"),
        Index("ix_challenges_expires_at", "expires_at"),
        Index("ix_challenges_user_id", "user_id"),
    )


class Address(Base):
    """A postal address in a user's book, sealed whole; the country stands beside it for rules that need no key."""

    __tablename__ = "addresses"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    country: Mapped[str] = mapped_column(Text)
    default_shipping: Mapped[bool] = mapped_column(server_default=text("false"))
    default_billing: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country_form"),
        Index("ix_addresses_user_id", "user_id", "created_at"),
        Index("uq_addresses_default_shipping", "user_id", unique=True, postgresql_where=text("default_shipping")),
        Index("uq_addresses_default_billing", "user_id", unique=True, postgresql_where=text("default_billing")),
    )


class Preference(Base):
    """Whether a user wants a topic over a channel; without a row the topic's default holds. A record of consent."""

    __tablename__ = "preferences"
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    topic: Mapped[str] = mapped_column(Text, primary_key=True)
    channel: Mapped[str] = mapped_column(Text, primary_key=True)
    enabled: Mapped[bool]
    changed_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (CheckConstraint("channel IN ('email', 'sms', 'inbox', 'push')", name="known_channel"),)


class QuietHours(Base):
    """When a user is not to be woken: minutes of their day, over midnight where it ends before it begins."""

    __tablename__ = "quiet_hours"
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    begins: Mapped[int] = mapped_column(SmallInteger)
    ends: Mapped[int] = mapped_column(SmallInteger)
    timezone: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        CheckConstraint("begins BETWEEN 0 AND 1439 AND ends BETWEEN 0 AND 1439", name="within_a_day"),
        CheckConstraint("begins <> ends", name="lasts"),
        CheckConstraint("length(timezone) BETWEEN 1 AND 64", name="timezone_named"),
    )


class PushDevice(Base):
    """A device that may be sent push messages. The token is sealed; `token_index` finds it again.

    A device belongs to one user, the last who registered it.
    """

    __tablename__ = "push_devices"
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    token_index: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    token: Mapped[bytes] = mapped_column(LargeBinary)
    platform: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text, server_default="")
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        CheckConstraint("platform IN ('android', 'ios', 'web')", name="known_platform"),
        Index("uq_push_devices_token", "token_index", unique=True),
    )


class SearchWord(Base):
    """The blind index of one word of a user's name, e-mail or phone, so that staff can find them without the key."""

    __tablename__ = "search_words"
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    word: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    __table_args__ = (Index("ix_search_words_word", "word", "user_id"),)


class ApiKey(Base):
    """A key for integrations: a named set of permissions that never exceeds its maker's. Only its digest is kept."""

    __tablename__ = "api_keys"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    key_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    hint: Mapped[str] = mapped_column(Text)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    expires_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    last_used_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    revoked_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    __table_args__ = (Index("ix_api_keys_created_by", "created_by"),)


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
