"""Proving once more who one is, before a change of password, e-mail, second factor, or the end of the account."""

from __future__ import annotations

from uuid import UUID

from quickshop.accounts import users
from quickshop.accounts.errors import ProofWrong, TooManyAttempts
from quickshop.kernel import db
from quickshop.kernel.clock import now
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.security import lockout, passwords


def prove(user_id: UUID, session_id: UUID | None, password: str) -> None:
    """Check the user's present password; notes in the session that it was given.

    Wrong ones are counted as failed sign-ins are. Runs its own units, around the hashing.
    Raises ProofWrong, TooManyAttempts.
    """
    with reading():
        found = users.by_id(user_id)
    subject = str(user_id)
    run_unit(lambda: _count(subject))
    if found is None or not passwords.verify(found.row.password_hash, password):
        raise ProofWrong
    run_unit(lambda: _proved(subject, session_id))


def _count(subject: str) -> None:
    seconds = lockout.waiting(lockout.ACCOUNT, subject)
    if seconds:
        raise TooManyAttempts(seconds)
    lockout.count(lockout.ACCOUNT, subject)


def _proved(subject: str, session_id: UUID | None) -> None:
    lockout.clear(lockout.ACCOUNT, subject)
    db.run("UPDATE sessions SET proved_at = :at WHERE id = :id", at=now(), id=session_id)
