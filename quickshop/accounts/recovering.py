"""A forgotten password: a mailed link, good once and for 15 minutes, that sets a new one and ends all sessions."""

from __future__ import annotations

from quickshop.accounts import log, mailing, sessions, users
from quickshop.accounts.errors import LinkInvalid
from quickshop.accounts.people import normal_email
from quickshop.accounts.registering import mark_verified
from quickshop.kernel import db
from quickshop.kernel.events import Fact
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.security import lockout, passwords


def forgot_password(email: str) -> None:
    """Mail a reset link, at most once a minute. Says nothing of whether the address is known.

    Writes; the caller commits.
    """
    found = users.by_email(normal_email(email))
    if found is None or found.row.disabled_at or mailing.cooling(found.id, "reset_password"):
        return
    token = mailing.new_token(found.id, "reset_password", mailing.RESET_LIFE)
    mailing.ask(
        mailing.RESET_REQUESTED, found.id, found.person, found.opened("email"), found.opened("first_name"), token
    )


def reset_password(token: str, password: str) -> None:
    """Set a new password with a mailed token; of many at once one wins. Ends every session of the user.

    Raises Invalid for a weak password, LinkInvalid. Runs its own unit, after the hashing.
    Facts: account.password_reset.
    """
    passwords.check(password)
    with reading():
        if not mailing.good(token, "reset_password"):
            raise LinkInvalid
    hashed = passwords.hash_password(password)
    run_unit(lambda: _reset(token, hashed))


def _reset(token: str, hashed: str) -> None:
    user_id = mailing.redeem(token, "reset_password")
    if user_id is None:
        raise LinkInvalid
    db.run("UPDATE users SET password_hash = :hash WHERE id = :id", hash=hashed, id=user_id)
    db.run(
        "DELETE FROM email_tokens WHERE user_id = :id AND purpose = 'reset_password' AND used_at IS NULL", id=user_id
    )
    sessions.revoke_all(user_id, "password reset")
    lockout.clear(lockout.ACCOUNT, str(user_id))
    # Whoever could open the mail owns the address.
    mark_verified(user_id)
    log.append(user_id, [Fact("account.password_reset")])
