"""Proving once more who one is, before a change of password, e-mail, second factor, or the end of the account."""

from __future__ import annotations

from uuid import UUID

from quickshop.accounts import second_factor, users
from quickshop.accounts.errors import CodeNeeded, CodeWrong, ProofWrong, TooManyAttempts
from quickshop.kernel import db
from quickshop.kernel.clock import now
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.security import lockout, passwords


def prove(*, user_id: UUID, session_id: UUID | None, password: str, code: str | None = None) -> None:
    """Check the user's present password, and a code where two-factor is on; notes in the session that they were given.

    Wrong ones are counted as those of sign-ins are. Runs its own units, around the hashing.
    Raises ProofWrong, CodeNeeded, CodeWrong, TooManyAttempts.
    """
    with reading():
        found = users.with_password(user_id)
        with_code = second_factor.is_on(user_id)
    if with_code and not code:
        raise CodeNeeded
    run_unit(lambda: _count(user_id, with_code))
    if found is None or not passwords.verify(found.row.password_hash, password):
        run_unit(lambda: _forgive_code(user_id, with_code))
        raise ProofWrong
    if not run_unit(lambda: _proved(user_id, session_id, code if with_code else None)):
        raise CodeWrong


def _count(user_id: UUID, with_code: bool) -> None:
    seconds = lockout.waiting(lockout.ACCOUNT, str(user_id))
    if seconds:
        raise TooManyAttempts(seconds)
    lockout.count(lockout.ACCOUNT, str(user_id))
    if with_code:
        second_factor.count_try(user_id)


def _forgive_code(user_id: UUID, with_code: bool) -> None:
    """The code was not looked at."""
    if with_code:
        lockout.forgive(lockout.SECOND_FACTOR, str(user_id))


def _proved(user_id: UUID, session_id: UUID | None, code: str | None) -> bool:
    lockout.clear(lockout.ACCOUNT, str(user_id))
    if code is not None and not second_factor.take(user_id, code):
        return False
    db.run("UPDATE sessions SET proved_at = :at WHERE id = :id", at=now(), id=session_id)
    return True
