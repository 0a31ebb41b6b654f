"""A forgotten password: a mailed link, good once and for 15 minutes, that sets a new one and ends all sessions."""

from __future__ import annotations

from uuid import UUID

from quickshop.accounts import asking, devices, log, mailing, sessions, users
from quickshop.accounts.errors import LinkInvalid
from quickshop.accounts.password_changes import check_new_password, set_password
from quickshop.accounts.registering import mark_verified
from quickshop.kernel.events import Fact
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.security import lockout, passwords


def forgot_password(email: str) -> None:
    """Ask for a reset link. The same is done for every address; who it belongs to is looked up when it is answered.

    Writes; the caller commits.
    """
    asking.leave(asking.RECOVERY_ASKED, email)


def send_link(email: str) -> None:
    """Mail a reset link to the address's owner, if it has one: once a minute, then more seldom.

    Writes; the caller commits.
    """
    found = users.by_email(email)
    if found is None or found.row.disabled_at or mailing.cooling(found.id, mailing.RESET_PASSWORD):
        return
    token = mailing.new_token(found.id, mailing.RESET_PASSWORD, mailing.RESET_LIFE)
    mailing.tell(mailing.RESET_REQUESTED, found, token)


def reset_password(token: str, password: str) -> None:
    """Set a new password with a mailed token; of many at once one wins. Ends every session and starts none.

    A second factor stays what it was. Raises Invalid for a weak password, LinkInvalid. Runs its own unit, after the
    hashing. Facts: account.password_reset.
    """
    with reading():
        user_id = mailing.holder(token, mailing.RESET_PASSWORD)
        found = users.by_id(user_id) if user_id else None
        if found is None:
            passwords.check(password)
            raise LinkInvalid
        check_new_password(found, password)
    hashed = passwords.hash_password(password)
    run_unit(lambda: _reset(token, hashed))


def _reset(token: str, hashed: str) -> UUID:
    redeemed = mailing.redeem(token, mailing.RESET_PASSWORD)
    if redeemed is None:
        raise LinkInvalid
    user_id = redeemed.user_id
    set_password(user_id, hashed)
    sessions.revoke_all(user_id, "password reset")
    devices.forget_devices(user_id)
    lockout.clear(lockout.ACCOUNT, str(user_id))
    # Whoever could open the mail owns the address.
    mark_verified(user_id)
    log.append(user_id, [Fact("account.password_reset")])
    return user_id
