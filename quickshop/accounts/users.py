"""Finding a user's row by what a person types, and opening what is sealed in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from quickshop.accounts.errors import EmailNotVerified
from quickshop.accounts.people import PersonKey, email_index, person_key
from quickshop.kernel import db
from quickshop.kernel.errors import NotFound

_COLUMNS = """
SELECT u.id, u.person_id, u.username, u.email, u.first_name, u.last_name, u.phone, u.locale,
       u.email_verified_at, u.vip, u.order_count, u.spent, u.event_seq, u.version, u.disabled_at,
       u.created_at, p.key_id, p.wrapped_key
{more} FROM users u JOIN persons p ON p.id = u.person_id
"""
# Workers may not read it, so only those who check a password ask for it.
_PASSWORD = ", u.password_hash"  # noqa: S105 - names a column


@dataclass(frozen=True)
class Found:
    """A user's row; the key that opens it is unwrapped where something is opened, and not before.

    So a sign-in to a known account does no more than one to an unknown account.
    """

    row: Any

    @cached_property
    def person(self) -> PersonKey:
        """The person and their key. Raises NotFound for an erased person."""
        return person_key(self.row.person_id, self.row.key_id, self.row.wrapped_key)

    @property
    def id(self) -> UUID:
        """The user's id."""
        return self.row.id

    def opened(self, column: str) -> Any:
        """The plain value of a sealed column."""
        return self.person.unseal(getattr(self.row, column), place(column, self.row.id))


def place(column: str, user_id: UUID) -> str:
    """The place that a sealed column is bound to."""
    return f"users/{column}/{user_id}"


def _found(where: str, value: Any, more: str = "") -> Found | None:
    """The user, or None: also for an erased one, of whom nothing can be opened."""
    row = db.row(f"{_COLUMNS.format(more=more)} WHERE {where}", value=value)
    if row is None or row.wrapped_key is None:
        return None
    return Found(row)


def by_id(user_id: UUID) -> Found | None:
    """The user with this id."""
    return _found("u.id = :value", user_id)


def with_password(user_id: UUID) -> Found | None:
    """The user with this id, and the hash of their password."""
    return _found("u.id = :value", user_id, _PASSWORD)


def to_seal_for(user_id: UUID) -> Found:
    """The user with this id, who cannot be erased before the transaction is over: for what their key will seal.

    Raises NotFound for nobody or an erased person.
    """
    return _there(_found("u.id = :value FOR KEY SHARE OF p", user_id))


def by_email(email: str) -> Found | None:
    """The user with this address."""
    return _by_email(email)


def by_login(login: str) -> Found | None:
    """The user whose e-mail address or username this is, with the hash of their password.

    Usernames hold no `@`, so they cannot be confused.
    """
    if "@" in login:
        return _by_email(login, _PASSWORD)
    return _found("lower(u.username) = lower(:value)", login.strip(), _PASSWORD)


def known(user_id: UUID) -> Found:
    """The user with this id. Raises NotFound for nobody or an erased person."""
    return _there(by_id(user_id))


def _there(found: Found | None) -> Found:
    if found is None:
        raise NotFound("account")
    return found


def check_verified(user_id: UUID) -> None:
    """Raises EmailNotVerified until the user has proved their address.

    Whoever opened an account for somebody else's address must not leave a key in it that outlives the owner's recovery.
    """
    if not known(user_id).row.email_verified_at:
        raise EmailNotVerified("Open the link we mailed you first.")


def lock(user_id: UUID) -> None:
    """One change of what belongs to a user at a time: whoever comes next waits until this unit is over."""
    db.run("SELECT 1 FROM users WHERE id = :id FOR NO KEY UPDATE", id=user_id)


def lock_with_key(user_id: UUID) -> PersonKey:
    """The same lock, and the key of the person in one statement. Raises NotFound."""
    row = db.row(
        "SELECT p.id, p.key_id, p.wrapped_key FROM users u JOIN persons p ON p.id = u.person_id"
        " WHERE u.id = :id FOR NO KEY UPDATE OF u",
        id=user_id,
    )
    if row is None:
        raise NotFound("account")
    return person_key(row.id, row.key_id, row.wrapped_key)


def _by_email(email: str, more: str = "") -> Found | None:
    return _found("u.email_index = :value", email_index(email), more)
