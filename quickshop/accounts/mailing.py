"""Leaves word for `notifications` to mail somebody, with what the mail must say sealed by the person's own key."""

from __future__ import annotations

import base64
import math
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from quickshop.accounts import users
from quickshop.accounts.people import PersonKey
from quickshop.accounts.users import Found
from quickshop.kernel import db, facts
from quickshop.kernel.clock import now
from quickshop.kernel.crypto import digest
from quickshop.kernel.ids import new_id
from quickshop.kernel.outbox import TaskHint, write

VERIFICATION_REQUESTED = "account.verification_requested"
ALREADY_REGISTERED = "account.already_registered"
RESET_REQUESTED = "account.password_reset_requested"
PASSWORD_CHANGED = "account.password_changed"  # noqa: S105 - names a fact
EMAIL_CHANGE_REQUESTED = "account.email_change_requested"  # with the link, to the new address
EMAIL_CHANGE_NOTICE = "account.email_change_notice"  # to the address of now
EMAIL_CHANGED = "account.email_changed"  # to the address of before
TWO_FACTOR_CHANGED = "account.two_factor_changed"
SESSION_REUSE = "account.session_reuse"

VERIFY_EMAIL, RESET_PASSWORD, CHANGE_EMAIL = "verify_email", "reset_password", "change_email"
VERIFY_LIFE = timedelta(hours=24)
RESET_LIFE = timedelta(minutes=15)
CHANGE_LIFE = timedelta(hours=24)

# Between two mails with a link: a minute, then twice as long each time, while earlier ones are not a day old. Never
# longer than a reset link lives, so that whoever is made to wait has one that works.
COOL_DOWN = timedelta(seconds=60)
LONGEST_COOL_DOWN = RESET_LIFE
_REMEMBERED = timedelta(hours=24)

NOTIFY = TaskHint("notifications.drain", "notify")


def place(user_id: UUID) -> str:
    """The place that the sealed part of a fact is bound to."""
    return f"pending_facts/data/{user_id}"


def leave(kind: str, subject: UUID, person: PersonKey, content: dict[str, Any]) -> None:
    """Leave a fact whose mail says what `content` holds, sealed: its `email`, and whatever the kind's words need.

    `subject` is the id of what the mail is about. After the last of several facts call `wake`.
    """
    sealed = person.seal(content, place(subject))
    facts.leave(
        "notifications",
        kind,
        {
            "person_id": str(person.id),
            "subject": str(subject),
            "sealed": base64.b64encode(sealed).decode(),
            "once": f"{kind}:{new_id()}",
        },
    )


def wake() -> None:
    """Wake the consumer of what was left."""
    write(tasks=[NOTIFY])


def ask(
    kind: str,
    user_id: UUID,
    person: PersonKey,
    email: str,
    first_name: str,
    token: str | None,
    *,
    once: str | None = None,
) -> None:
    """Leave the fact and wake its consumer. The sealed part is `{email, first_name, token}`.

    Of all facts with the same `once` one is mailed.
    """
    sealed = person.seal({"email": email, "first_name": first_name, "token": token}, place(user_id))
    data = {"person_id": str(person.id), "user_id": str(user_id), "sealed": base64.b64encode(sealed).decode()}
    facts.leave("notifications", kind, data | {"once": once or f"{kind}:{new_id()}"})
    write(tasks=[NOTIFY])


def tell(kind: str, user: Found, token: str | None = None) -> None:
    """Leave word for a user at the address of now; see `ask`."""
    ask(kind, user.id, user.person, user.opened("email"), user.opened("first_name"), token)


def tell_already_registered(owner: Found) -> None:
    """Tell an address's owner that somebody wanted it for an account: one mail in a clock hour at most."""
    email, first_name = owner.opened("email"), owner.opened("first_name")
    once = f"registered:{owner.id}:{int(now().timestamp()) // 3600}"
    ask(ALREADY_REGISTERED, owner.id, owner.person, email, first_name, None, once=once)


def new_token(user_id: UUID, purpose: str, life: timedelta) -> str:
    """A single-use token to mail; only its digest is kept."""
    token = secrets.token_urlsafe(32)
    keep_token(token, user_id, purpose, life, None)
    return token


def keep_token(token: str, user_id: UUID, purpose: str, life: timedelta, sealed: bytes | None) -> None:
    """Write the row of a token that the caller made, with what belongs to it."""
    at = now()
    db.run(
        "INSERT INTO email_tokens (token_hash, user_id, purpose, expires_at, sealed, created_at)"
        " VALUES (:hash, :user, :purpose, :expires, :sealed, :at)",
        hash=digest(token),
        user=user_id,
        purpose=purpose,
        expires=at + life,
        sealed=sealed,
        at=at,
    )


def cooling(user_id: UUID, purpose: str) -> int:
    """Seconds until the next such token may be mailed; 0 for now. Takes the user's row lock, so that many queue up."""
    at = now()
    users.lock(user_id)
    sent = db.rows(
        "SELECT count(*) AS n, max(created_at) AS last_at FROM email_tokens"
        " WHERE user_id = :user AND purpose = :purpose AND created_at > :since",
        user=user_id,
        purpose=purpose,
        since=at - _REMEMBERED,
    )[0]
    if not sent.n:
        return 0
    pause = min(LONGEST_COOL_DOWN, COOL_DOWN * 2 ** min(sent.n - 1, 10))
    return max(0, math.ceil((sent.last_at + pause - at).total_seconds()))


@dataclass(frozen=True)
class Redeemed:
    """Whose a token was, and what was sealed with it."""

    user_id: UUID
    sealed: bytes | None = field(repr=False)


def redeem(token: str, purpose: str) -> Redeemed | None:
    """Use a token up; None for one that is unknown, used or too old. One of many at once wins."""
    row = db.row(
        "UPDATE email_tokens SET used_at = :at WHERE token_hash = :hash AND purpose = :purpose"
        " AND used_at IS NULL AND expires_at > :at RETURNING user_id, sealed",
        hash=digest(token),
        purpose=purpose,
        at=now(),
    )
    return Redeemed(row.user_id, row.sealed) if row else None


def holder(token: str, purpose: str) -> UUID | None:
    """Whose a token is that could be redeemed now."""
    found: UUID | None = db.scalar(
        "SELECT user_id FROM email_tokens WHERE token_hash = :hash AND purpose = :purpose"
        " AND used_at IS NULL AND expires_at > :at",
        hash=digest(token),
        purpose=purpose,
        at=now(),
    )
    return found


def void(user_id: UUID, *purposes: str) -> None:
    """Make the user's unused tokens of these purposes worthless, without forgetting when they were mailed."""
    db.run(
        "UPDATE email_tokens SET expires_at = least(expires_at, :at)"
        " WHERE user_id = :user AND purpose = ANY(CAST(:purposes AS text[])) AND used_at IS NULL",
        user=user_id,
        purposes=list(purposes),
        at=now(),
    )
