"""Signing in with a password, slowed down after failures, with the same answer and work for unknown accounts.

Where two-factor is on, the password gives a challenge, and a code gives the session.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from quickshop.accounts import challenges, log, second_factor, sessions, users
from quickshop.accounts.errors import (
    AccountDisabled,
    ChallengeInvalid,
    SignInCodeWrong,
    TooManyAttempts,
    TwoFactorRequired,
    WrongCredentials,
)
from quickshop.accounts.refreshing import Origin, SignedIn, start_session
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


def authenticate(login: str, password: str, origin: Origin) -> SignedIn:
    """Sign in by e-mail address or username; starts a session, where that needs no second factor.

    Runs its own units around the hashing. Raises WrongCredentials, TooManyAttempts, AccountDisabled, and
    TwoFactorRequired with the challenge for `answer_challenge`. Facts: account.signed_in.
    """
    with reading():
        candidate = _candidate(login)
    run_unit(lambda: _count_attempt(candidate.subject, origin.address))
    right = passwords.verify(candidate.password_hash, password)
    if not right or candidate.user_id is None:
        raise WrongCredentials
    user_id = candidate.user_id
    if candidate.disabled:
        raise AccountDisabled("This account is closed; write to us if that surprises you.")
    renewed = passwords.hash_password(password) if passwords.outdated(candidate.password_hash) else None

    def go_on() -> SignedIn | str:
        _check_unchanged(user_id, candidate.password_hash)
        lockout.clear(lockout.ACCOUNT, candidate.subject)
        lockout.forgive(lockout.address_budget(), origin.address)
        if renewed:
            db.run("UPDATE users SET password_hash = :h WHERE id = :id", h=renewed, id=user_id)
        if second_factor.is_on(user_id):
            return challenges.ask(challenges.SECOND_FACTOR, user_id)
        return signed_in(user_id, origin)

    found = run_unit(go_on)
    if isinstance(found, str):
        raise TwoFactorRequired(found, ["totp", "recovery_code"])
    return found


def _check_unchanged(user_id: UUID, password_hash: str) -> None:
    """Raises WrongCredentials where the password was changed while it was looked at.

    Takes the row lock that a change takes, so that no session of the old password begins after all others ended.
    """
    present = db.scalar("SELECT password_hash FROM users WHERE id = :id FOR NO KEY UPDATE", id=user_id)
    if present != password_hash:
        raise WrongCredentials


def signed_in(user_id: UUID, origin: Origin, *, second_factor: bool = False) -> SignedIn:
    """A session for somebody who has just proved who they are. Writes; the caller commits. Facts: account.signed_in."""
    found = start_session(user_id, origin, second_factor=second_factor)
    log.append(user_id, [Fact("account.signed_in", {"session_id": str(found.session_id)})])
    return found


def answer_challenge(challenge: str, code: str, origin: Origin) -> SignedIn:
    """The second step of a sign-in: a TOTP or recovery code gives the session. A challenge outlives wrong codes.

    Runs its own units. Raises ChallengeInvalid, SignInCodeWrong, TooManyAttempts, AccountDisabled. Facts:
    account.signed_in.
    """
    user_id = run_unit(lambda: _count_code(challenge))
    return run_unit(lambda: _answer(challenge, user_id, code, origin))


def _count_code(challenge: str) -> UUID:
    asked = challenges.find(challenge, challenges.SECOND_FACTOR)
    if asked is None or asked.user_id is None:
        raise ChallengeInvalid
    second_factor.count_try(asked.user_id)
    return asked.user_id


def _answer(challenge: str, user_id: UUID, code: str, origin: Origin) -> SignedIn:
    if challenges.close(challenge, challenges.SECOND_FACTOR) is None:
        raise ChallengeInvalid
    if db.scalar("SELECT 1 FROM users WHERE id = :id AND disabled_at IS NOT NULL", id=user_id):
        raise AccountDisabled("This account is closed; write to us if that surprises you.")
    if not second_factor.take(user_id, code):
        raise SignInCodeWrong  # which leaves the challenge open: nothing of this unit is kept
    return signed_in(user_id, origin, second_factor=True)


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
