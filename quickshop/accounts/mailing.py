"""Leaves word for `notifications` to mail somebody, with what the mail must say sealed by the person's own key."""

from __future__ import annotations

import base64
import secrets
from datetime import timedelta
from uuid import UUID

from quickshop.accounts.people import PersonKey
from quickshop.accounts.users import Found
from quickshop.kernel import db, facts
from quickshop.kernel.clock import now
from quickshop.kernel.crypto import digest
from quickshop.kernel.outbox import TaskHint, write

VERIFICATION_REQUESTED = "account.verification_requested"
ALREADY_REGISTERED = "account.already_registered"
RESET_REQUESTED = "account.password_reset_requested"
TWO_FACTOR_CHANGED = "account.two_factor_changed"
SESSION_REUSE = "account.session_reuse"

VERIFY_LIFE = timedelta(hours=24)
RESET_LIFE = timedelta(minutes=15)
COOL_DOWN = timedelta(seconds=60)

_NOTIFY = TaskHint("notifications.drain", "notify")


def place(user_id: UUID) -> str:
    """The place that the sealed part of a fact is bound to."""
    return f"pending_facts/data/{user_id}"


def ask(kind: str, user_id: UUID, person: PersonKey, email: str, first_name: str, token: str | None) -> None:
    """Leave the fact and wake its consumer. The sealed part is `{email, first_name, token}`."""
    sealed = person.seal({"email": email, "first_name": first_name, "token": token}, place(user_id))
    facts.leave(
        "notifications",
        kind,
        {"person_id": str(person.id), "user_id": str(user_id), "sealed": base64.b64encode(sealed).decode()},
    )
    write(tasks=[_NOTIFY])


def tell(kind: str, user: Found, token: str | None = None) -> None:
    """Leave word for a user at the address of now; see `ask`."""
    ask(kind, user.id, user.person, user.opened("email"), user.opened("first_name"), token)


def new_token(user_id: UUID, purpose: str, life: timedelta) -> str:
    """A single-use token to mail; only its digest is kept."""
    token, at = secrets.token_urlsafe(32), now()
    db.run(
        "INSERT INTO email_tokens (token_hash, user_id, purpose, expires_at, created_at)"
        " VALUES (:hash, :user, :purpose, :expires, :at)",
        hash=digest(token),
        user=user_id,
        purpose=purpose,
        expires=at + life,
        at=at,
    )
    return token


def cooling(user_id: UUID, purpose: str) -> bool:
    """Whether such a token was mailed less than 60 s ago."""
    return bool(
        db.scalar(
            "SELECT 1 FROM email_tokens WHERE user_id = :user AND purpose = :purpose AND created_at > :since LIMIT 1",
            user=user_id,
            purpose=purpose,
            since=now() - COOL_DOWN,
        )
    )


def redeem(token: str, purpose: str) -> UUID | None:
    """Use a token up; whose it was, or None for one that is unknown, used or too old. One of many at once wins."""
    found: UUID | None = db.scalar(
        "UPDATE email_tokens SET used_at = :at WHERE token_hash = :hash AND purpose = :purpose"
        " AND used_at IS NULL AND expires_at > :at RETURNING user_id",
        hash=digest(token),
        purpose=purpose,
        at=now(),
    )
    return found


def good(token: str, purpose: str) -> bool:
    """Whether a token could be redeemed now."""
    return bool(
        db.scalar(
            "SELECT 1 FROM email_tokens WHERE token_hash = :hash AND purpose = :purpose"
            " AND used_at IS NULL AND expires_at > :at",
            hash=digest(token),
            purpose=purpose,
            at=now(),
        )
    )
