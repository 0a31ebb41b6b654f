"""The password of an account: what a new one must be, setting it, and changing it with the present one."""

from __future__ import annotations

from uuid import UUID

from quickshop.accounts import log, mailing, sessions, users
from quickshop.accounts.proving import prove
from quickshop.kernel import db
from quickshop.kernel.events import Fact
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.security import passwords


def names_in(username: str, email: str) -> tuple[str, str]:
    """What of an account a password must not hold: the username, and the e-mail address before the `@`."""
    return username, email.strip().rpartition("@")[0]


def check_new_password(user: users.Found, password: str, field: str = "password") -> None:
    """Raises Invalid under `field` unless the password may be this user's."""
    passwords.check(password, field, names=names_in(user.row.username, user.opened("email")))


def set_password(user_id: UUID, hashed: str) -> None:
    """Write the new hash, make mailed links worthless that were asked for before, and mail that it happened.

    So a change of e-mail that a thief asked for does not survive the owner's new password. Writes; the caller commits,
    and ends the sessions after this: a sign-in under way waits for the row lock that is taken here.
    """
    db.run("UPDATE users SET password_hash = :hash WHERE id = :id", hash=hashed, id=user_id)
    mailing.void(user_id, mailing.RESET_PASSWORD, mailing.CHANGE_EMAIL)
    mailing.tell(mailing.PASSWORD_CHANGED, users.known(user_id))


def change_password(user_id: UUID, session_id: UUID | None, current: str, new: str, code: str | None = None) -> None:
    """Set a new password after the present one was proved, and a code where two-factor is on; see `prove`.

    Ends all other sessions and mails a notice. Runs its own units, around the hashing. Raises Invalid for a weak
    password, and what `prove` raises. Facts: account.password_changed.
    """
    with reading():
        check_new_password(users.known(user_id), new, "new_password")
    prove(user_id=user_id, session_id=session_id, password=current, code=code)
    hashed = passwords.hash_password(new)

    def change() -> None:
        set_password(user_id, hashed)
        sessions.revoke_all(user_id, "password changed", but=session_id)
        log.append(user_id, [Fact("account.password_changed")])

    run_unit(change)
