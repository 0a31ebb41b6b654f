"""Signing in with a password, slowed down after failures, with the same answer and work for unknown accounts."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from quickshop.accounts import log, sessions, users
from quickshop.accounts.errors import AccountDisabled, TooManyAttempts, WrongCredentials
from quickshop.accounts.refreshing import SignedIn, start_session
from quickshop.kernel import db
from quickshop.kernel.events import Fact
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.security import lockout, passwords


@dataclass(frozen=True)
class _Candidate:
    """Whom the sign-in would be, as read before the password was looked at."""

    user_id: UUID | None
    password_hash: str
    subject: str
    disabled: bool


def authenticate(login: str, password: str, device: str, address: str) -> SignedIn:
    """Sign in by e-mail address or username; starts a session.

    `device` describes the client in the list of sessions, `address` is where it calls from. Runs its own units
    around the hashing. Raises WrongCredentials, TooManyAttempts, AccountDisabled. Facts: account.signed_in.
    """
    with reading():
        candidate = _candidate(login)
    run_unit(lambda: _count_attempt(candidate.subject, address))
    right = passwords.verify(candidate.password_hash, password)
    if not right or candidate.user_id is None:
        raise WrongCredentials
    user_id = candidate.user_id
    if candidate.disabled:
        raise AccountDisabled("This account is closed; write to us if that surprises you.")
    renewed = passwords.hash_password(password) if passwords.outdated(candidate.password_hash) else None

    def start() -> SignedIn:
        lockout.clear(lockout.ACCOUNT, candidate.subject)
        lockout.forgive(lockout.address_budget(), address)
        if renewed:
            db.run("UPDATE users SET password_hash = :h WHERE id = :id", h=renewed, id=user_id)
        signed_in = start_session(user_id, device)
        log.append(user_id, [Fact("account.signed_in", {"session_id": str(signed_in.session_id)})])
        return signed_in

    return run_unit(start)


def _candidate(login: str) -> _Candidate:
    found = users.by_login(login)
    if found is None:
        return _Candidate(None, passwords.dummy_hash(), login, False)
    row = found.row
    return _Candidate(row.id, row.password_hash, str(row.id), row.disabled_at is not None)


def _count_attempt(subject: str, address: str) -> None:
    """Count the attempt before it is judged, so that many at once cannot slip through together."""
    budgets = ((lockout.ACCOUNT, subject), (lockout.address_budget(), address))
    seconds = max(lockout.waiting(budget, value) for budget, value in budgets)
    if seconds:
        raise TooManyAttempts(seconds)
    for budget, value in budgets:
        lockout.count(budget, value)


def sign_out(user_id: UUID, session_id: UUID) -> None:
    """End the session. Raises NotFound where it has ended already. Writes; the caller commits."""
    sessions.revoke(user_id, session_id, "signed out")
