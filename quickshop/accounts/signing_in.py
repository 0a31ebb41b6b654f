"""Signing in with a password, slowed down after failures, with the same answer and work for unknown accounts.

Where two-factor is on, the password gives a challenge, and a code or a passkey gives the session. A passkey may also
stand alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from quickshop.accounts import challenges, log, passkeys, second_factor, sessions, users
from quickshop.accounts.errors import (
    AccountDisabled,
    ChallengeInvalid,
    PasskeyCopied,
    PasskeyInvalid,
    SignInCodeWrong,
    TooManyAttempts,
    TwoFactorRequired,
    WrongCredentials,
)
from quickshop.accounts.refreshing import Origin, SignedIn, start_session
from quickshop.kernel import db
from quickshop.kernel.events import Fact
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.security import audit, lockout, passwords

REVOKED = "revoked by the user"
CLOSED = "This account is closed; write to us if that surprises you."


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
        raise AccountDisabled(CLOSED)
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
        with reading():
            raise TwoFactorRequired(found, passkeys.as_second_factor(user_id, found))
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
    noted = {"session_id": str(found.session_id)}
    log.append(user_id, [Fact("account.signed_in", noted)])
    audit.record("session.started", target=f"user:{user_id}", data={**noted, "second_factor": second_factor})
    return found


def answer_challenge(
    challenge: str, origin: Origin, *, code: str | None = None, passkey: dict[str, Any] | None = None
) -> SignedIn:
    """The second step of a sign-in: a TOTP or recovery code, or a passkey, gives the session.

    A challenge outlives wrong answers. Runs its own units. Raises ChallengeInvalid, SignInCodeWrong, PasskeyInvalid,
    PasskeyCopied, TooManyAttempts, AccountDisabled. Facts: account.signed_in.
    """
    user_id = run_unit(lambda: _count_answer(challenge))
    signed = passkeys.read_signature(challenge, passkey, alone=False) if passkey is not None else None
    if signed is not None and signed.user_id != user_id:
        raise PasskeyInvalid
    return _unless_copied(lambda: _answer(challenge, user_id, code or "", signed, origin))


def passkey_for(challenge: str) -> dict[str, Any] | None:
    """What a device needs to answer a sign-in's challenge; None where the user has none, or it is not open."""
    asked = challenges.find(challenge, challenges.SECOND_FACTOR)
    return passkeys.as_second_factor(asked.user_id, challenge) if asked and asked.user_id else None


def _count_answer(challenge: str) -> UUID:
    asked = challenges.find(challenge, challenges.SECOND_FACTOR)
    if asked is None or asked.user_id is None:
        raise ChallengeInvalid
    second_factor.count_try(asked.user_id)
    return asked.user_id


def _answer(
    challenge: str, user_id: UUID, code: str, signed: passkeys.Signed | None, origin: Origin
) -> SignedIn | None:
    if challenges.close(challenge, challenges.SECOND_FACTOR) is None:
        raise ChallengeInvalid
    _check_open(user_id)
    if signed is not None:
        if not passkeys.use(signed):
            _copied(signed)
            return None
        second_factor.forget_tries(user_id)
    elif not second_factor.take(user_id, code):
        raise SignInCodeWrong  # which leaves the challenge open: nothing of this unit is kept
    return signed_in(user_id, origin, second_factor=True)


def sign_in_by_passkey(challenge: str, passkey: dict[str, Any], origin: Origin) -> SignedIn:
    """Sign in without a password: the device has verified its user, which counts as both factors.

    Runs its own unit. Raises ChallengeInvalid, PasskeyInvalid, PasskeyCopied, PasskeysOff, AccountDisabled.
    Facts: account.signed_in.
    """
    signed = passkeys.read_signature(challenge, passkey, alone=True)

    def start() -> SignedIn | None:
        if challenges.close(challenge, challenges.PASSKEY_LOGIN) is None:
            raise ChallengeInvalid
        _check_open(signed.user_id)
        if not passkeys.use(signed):
            _copied(signed)
            return None
        return signed_in(signed.user_id, origin, second_factor=True)

    return _unless_copied(start)


def _check_open(user_id: UUID) -> None:
    if db.scalar("SELECT 1 FROM users WHERE id = :id AND disabled_at IS NOT NULL", id=user_id):
        raise AccountDisabled(CLOSED)


def _copied(signed: passkeys.Signed) -> None:
    """Note that a passkey's counter went back; kept, unlike what a refusal leaves."""
    log.append(signed.user_id, [Fact("account.passkey_refused", {"passkey_id": str(signed.passkey_id)})])


def _unless_copied(start: Callable[[], SignedIn | None]) -> SignedIn:
    found = run_unit(start)
    if found is None:
        raise PasskeyCopied
    return found


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


def end_session(user_id: UUID, session_id: UUID) -> None:
    """End one of the user's sessions at their wish, wherever it is. Writes; the caller commits.

    Raises NotFound for one that is not theirs or has ended already. Facts: account.session_revoked.
    """
    sessions.revoke(user_id, session_id, REVOKED)
    log.append(user_id, [Fact("account.session_revoked", {"session_id": str(session_id), "reason": "owner"})])


def end_other_sessions(user_id: UUID, session_id: UUID | None) -> None:
    """End all of the user's sessions but this one, at their wish. Writes; the caller commits.

    Facts: account.sessions_revoked with how many, where there was any.
    """
    ended = sessions.revoke_all(user_id, REVOKED, but=session_id)
    if ended:
        log.append(user_id, [Fact("account.sessions_revoked", {"sessions": ended, "reason": "owner"})])
