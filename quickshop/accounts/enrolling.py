"""Turning two-factor sign-in on and off: a secret that is shown once, a first code that proves it was kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from quickshop.accounts import log, mailing, roles, second_factor, sessions, users
from quickshop.accounts.errors import CodeWrong, SetUpFirst, StaffNeedSecondFactor, TwoFactorIsOff, TwoFactorIsOn
from quickshop.accounts.proving import prove
from quickshop.kernel import db
from quickshop.kernel.clock import now
from quickshop.kernel.events import Fact
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.security import totp

SETUP_LIFE = timedelta(minutes=30)


@dataclass(frozen=True)
class SetUp:
    """What an authenticator app needs, shown once: the secret in base32, and its address."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)


def status(user_id: UUID) -> dict[str, Any]:
    """Whether two-factor is on, and how many recovery codes are left, in the API's form."""
    on = second_factor.is_on(user_id)
    return {"enabled": on, "recovery_codes_left": second_factor.recovery_codes_left(user_id) if on else 0}


def set_up(user_id: UUID, session_id: UUID | None, password: str) -> SetUp:
    """Make a new secret, which counts once a code of it is given within 30 minutes.

    Runs its own units. Raises EmailNotVerified, ProofWrong, TooManyAttempts, TwoFactorIsOn.
    """
    with reading():
        users.check_verified(user_id)
        if second_factor.is_on(user_id):
            raise TwoFactorIsOn
    prove(user_id=user_id, session_id=session_id, password=password)
    return run_unit(lambda: _keep_secret(user_id, totp.new_secret()))


def _keep_secret(user_id: UUID, secret: str) -> SetUp:
    found = users.known(user_id)
    kept = db.scalar(
        "INSERT INTO two_factors (user_id, secret, created_at) VALUES (:id, :secret, :at)"
        " ON CONFLICT (user_id) DO UPDATE SET secret = :secret, created_at = :at, last_step = 0"
        " WHERE two_factors.enabled_at IS NULL RETURNING 1",
        id=user_id,
        secret=found.person.seal(secret, second_factor.place(user_id)),
        at=now(),
    )
    if not kept:
        raise TwoFactorIsOn
    return SetUp(secret, totp.otpauth_uri(secret, found.row.username))


def pending(user_id: UUID) -> SetUp | None:
    """The secret that waits for its first code, for a page that must show it again after a wrong one."""
    sealed = db.scalar(
        "SELECT secret FROM two_factors WHERE user_id = :id AND enabled_at IS NULL AND created_at > :since",
        id=user_id,
        since=now() - SETUP_LIFE,
    )
    if sealed is None:
        return None
    found = users.known(user_id)
    secret = str(found.person.unseal(sealed, second_factor.place(user_id)))
    return SetUp(secret, totp.otpauth_uri(secret, found.row.username))


def enable(user_id: UUID, session_id: UUID | None, code: str) -> list[str]:
    """Turn two-factor on with a first code; ten recovery codes, to be shown once. Ends all other sessions.

    This session has its second factor from now on. Runs its own units. Raises CodeWrong, TooManyAttempts, SetUpFirst,
    TwoFactorIsOn. Facts: account.two_factor_enabled.
    """
    run_unit(lambda: second_factor.count_try(user_id))
    return run_unit(lambda: _enable(user_id, session_id, code))


def _enable(user_id: UUID, session_id: UUID | None, code: str) -> list[str]:
    if second_factor.is_on(user_id):
        raise TwoFactorIsOn
    waiting = pending(user_id)
    if waiting is None:
        raise SetUpFirst
    given = "".join(code.split())
    if not totp.looks_like_code(given) or not second_factor.use_step(user_id, waiting.secret, given, now()):
        raise CodeWrong
    codes = _turn_on(user_id, session_id)
    _tell(user_id)
    return codes


def _turn_on(user_id: UUID, session_id: UUID | None) -> list[str]:
    on = db.scalar(
        "UPDATE two_factors SET enabled_at = :at WHERE user_id = :id AND enabled_at IS NULL RETURNING 1",
        at=now(),
        id=user_id,
    )
    if not on:
        raise TwoFactorIsOn
    second_factor.forget_tries(user_id)
    codes = second_factor.renew_recovery_codes(user_id)
    sessions.note_second_factor(session_id, now())
    _end_others(user_id, session_id, "two_factor_enabled", "two-factor turned on")
    return codes


def _end_others(user_id: UUID, session_id: UUID | None, fact: str, reason: str) -> None:
    sessions.revoke_all(user_id, reason, but=session_id)
    sessions.forget_user(user_id)
    log.append(user_id, [Fact(f"account.{fact}")])


def _tell(user_id: UUID) -> None:
    """Mail the owner that it happened."""
    mailing.tell(mailing.TWO_FACTOR_CHANGED, users.known(user_id))


def disable(user_id: UUID, session_id: UUID | None, password: str, code: str | None) -> None:
    """Turn two-factor off. Ends all other sessions; this one has no second factor any more.

    Runs its own units. Raises ProofWrong, CodeWrong, CodeNeeded, TooManyAttempts, TwoFactorIsOff, and
    StaffNeedSecondFactor for whoever has a permission. Facts: account.two_factor_disabled.
    """
    with reading():
        _check_may_disable(user_id)
    prove(user_id=user_id, session_id=session_id, password=password, code=code)
    run_unit(lambda: _disable(user_id, session_id))


def _check_may_disable(user_id: UUID) -> None:
    if roles.permissions_of(user_id):
        raise StaffNeedSecondFactor
    if not second_factor.is_on(user_id):
        raise TwoFactorIsOff


def _disable(user_id: UUID, session_id: UUID | None) -> None:
    _check_may_disable(user_id)
    db.run("DELETE FROM two_factors WHERE user_id = :id", id=user_id)
    db.run("DELETE FROM recovery_codes WHERE user_id = :id", id=user_id)
    sessions.note_second_factor(session_id, None)
    _end_others(user_id, session_id, "two_factor_disabled", "two-factor turned off")
    _tell(user_id)


def new_recovery_codes(user_id: UUID, session_id: UUID | None, password: str, code: str | None) -> list[str]:
    """Ten new recovery codes in place of all earlier ones, to be shown once.

    Runs its own units. Raises ProofWrong, CodeWrong, CodeNeeded, TooManyAttempts, TwoFactorIsOff.
    Facts: account.recovery_codes_renewed.
    """
    with reading():
        if not second_factor.is_on(user_id):
            raise TwoFactorIsOff
    prove(user_id=user_id, session_id=session_id, password=password, code=code)

    def renew() -> list[str]:
        log.append(user_id, [Fact("account.recovery_codes_renewed")])
        return second_factor.renew_recovery_codes(user_id)

    return run_unit(renew)


def enrol(user_id: UUID, secret: str) -> None:
    """Turn two-factor on with a secret that is known beforehand (the demo shop's staff); again changes nothing.

    Writes; the caller commits.
    """
    if second_factor.is_on(user_id):
        return
    _keep_secret(user_id, secret)
    _turn_on(user_id, None)
