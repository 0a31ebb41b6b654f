"""Questions put to a client that its next call must answer: random tokens, of which only digests are kept.

Each is good once and for five minutes. What it asks for stands in its purpose.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from quickshop.kernel import db
from quickshop.kernel.clock import now
from quickshop.kernel.crypto import digest
from quickshop.kernel.outbox import dump

LIFE = timedelta(minutes=5)

SECOND_FACTOR = "second_factor"
PASSKEY_REGISTER = "passkey_register"
PASSKEY_LOGIN = "passkey_login"

_CLOSE = """
UPDATE challenges SET used_at = :at
WHERE token_hash = :hash AND purpose = :purpose AND used_at IS NULL AND expires_at > :at
RETURNING user_id, data
"""


@dataclass(frozen=True)
class Asked:
    """An open question: whom it was put to (None where that is not known yet), and what was noted with it."""

    user_id: UUID | None
    data: dict[str, Any]


def ask(purpose: str, user_id: UUID | None, data: dict[str, Any] | None = None) -> str:
    """Put a question; its token. Writes; the caller commits."""
    token = secrets.token_urlsafe(32)
    db.run(
        "INSERT INTO challenges (token_hash, user_id, purpose, data, expires_at)"
        " VALUES (:hash, :user, :purpose, CAST(:data AS jsonb), :expires)",
        hash=digest(token),
        user=user_id,
        purpose=purpose,
        data=dump(data or {}),
        expires=now() + LIFE,
    )
    return token


def find(token: str, purpose: str) -> Asked | None:
    """The question while it is open, else None."""
    row = db.row(
        "SELECT user_id, data FROM challenges WHERE token_hash = :hash AND purpose = :purpose"
        " AND used_at IS NULL AND expires_at > :at",
        hash=digest(token),
        purpose=purpose,
        at=now(),
    )
    return Asked(row.user_id, row.data) if row else None


def close(token: str, purpose: str) -> Asked | None:
    """Take the question as answered; None where it is not open (any more). Of many at once one wins.

    Writes; the caller commits.
    """
    row = db.row(_CLOSE, hash=digest(token), purpose=purpose, at=now())
    return Asked(row.user_id, row.data) if row else None


def withdraw(user_id: UUID) -> None:
    """Close all that the user was asked, unanswered: sign-ins that were half done end. Writes; the caller commits."""
    db.run("DELETE FROM challenges WHERE user_id = :user AND used_at IS NULL", user=user_id)
