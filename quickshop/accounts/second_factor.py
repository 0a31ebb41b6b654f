"""The second factor: whether somebody has one, and taking a code of it, a TOTP or a recovery code, each once.

Turning it on and off is in `enrolling`, signing in with it in `signing_in`.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from uuid import UUID

from quickshop.accounts import users
from quickshop.accounts.errors import TooManyAttempts
from quickshop.extensions import settings
from quickshop.kernel import db
from quickshop.kernel.clock import now
from quickshop.kernel.crypto import blind_index
from quickshop.security import lockout, totp

RECOVERY_CODES = 10
# Digits only, since a phone shows nothing else for a field of codes; 40 bits, beside five tries in five minutes.
_DIGITS, _GROUP = 12, 4
_WITHOUT = str.maketrans("", "", "- ")

_USE_STEP = "UPDATE two_factors SET last_step = :step WHERE user_id = :id AND last_step < :step RETURNING 1"
_USE_RECOVERY = """
UPDATE recovery_codes SET used_at = :at WHERE user_id = :id AND code_hash = :hash AND used_at IS NULL
    AND EXISTS (SELECT FROM two_factors WHERE user_id = :id AND enabled_at IS NOT NULL)
RETURNING 1
"""


def place(user_id: UUID) -> str:
    """The place that a sealed secret is bound to."""
    return f"two_factors/secret/{user_id}"


def is_on(user_id: UUID) -> bool:
    """Whether the user signs in with two factors."""
    return bool(db.scalar("SELECT 1 FROM two_factors WHERE user_id = :id AND enabled_at IS NOT NULL", id=user_id))


def recovery_codes_left(user_id: UUID) -> int:
    """How many recovery codes have not been used."""
    return int(db.scalar("SELECT count(*) FROM recovery_codes WHERE user_id = :id AND used_at IS NULL", id=user_id))


def count_try(user_id: UUID) -> None:
    """Count a try as failed until `take` says otherwise, in a unit of its own before that. Raises TooManyAttempts."""
    seconds = lockout.waiting(lockout.SECOND_FACTOR, str(user_id))
    if seconds:
        raise TooManyAttempts(seconds)
    lockout.count(lockout.SECOND_FACTOR, str(user_id))


def forget_tries(user_id: UUID) -> None:
    """Forget failed tries: a right code was given."""
    lockout.clear(lockout.SECOND_FACTOR, str(user_id))


def take(user_id: UUID, code: str) -> bool:
    """Use a code up and forget failed tries; False for one that is wrong or was used. Of many at once one wins.

    Writes; the caller commits, and must have counted the try before.
    """
    given = code.strip().translate(_WITHOUT)
    taken = _take_totp(user_id, given) if totp.looks_like_code(given) else _take_recovery(user_id, given)
    if taken:
        forget_tries(user_id)
    return taken


def _take_totp(user_id: UUID, code: str) -> bool:
    sealed = db.scalar("SELECT secret FROM two_factors WHERE user_id = :id AND enabled_at IS NOT NULL", id=user_id)
    return sealed is not None and use_step(user_id, opened(user_id, sealed), code, now())


def opened(user_id: UUID, sealed: bytes | memoryview) -> str:
    """The plain secret."""
    found = users.by_id(user_id)
    return str(found.person.unseal(sealed, place(user_id))) if found else ""


def use_step(user_id: UUID, secret: str, code: str, at: datetime) -> bool:
    """Take a code's step as used; False for a wrong code, or a step that is not later than the last one taken."""
    step = totp.accepted_step(secret, code, at)
    if step is None:
        return False
    return bool(db.scalar(_USE_STEP, step=step, id=user_id))


def _take_recovery(user_id: UUID, code: str) -> bool:
    return bool(db.scalar(_USE_RECOVERY, at=now(), id=user_id, hash=_recovery_hash(user_id, code)))


def _recovery_hash(user_id: UUID, code: str) -> bytes:
    return blind_index(settings().index_key, f"recovery_code/{user_id}", code)


def renew_recovery_codes(user_id: UUID) -> list[str]:
    """Ten new recovery codes in place of all earlier ones, as they are shown once. Writes; the caller commits."""
    plain = [f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}}" for _ in range(RECOVERY_CODES)]
    db.run("DELETE FROM recovery_codes WHERE user_id = :id", id=user_id)
    db.run_many(
        "INSERT INTO recovery_codes (user_id, code_hash) VALUES (:id, :hash)",
        [{"id": user_id, "hash": _recovery_hash(user_id, code)} for code in plain],
    )
    return ["-".join(code[i : i + _GROUP] for i in range(0, _DIGITS, _GROUP)) for code in plain]
