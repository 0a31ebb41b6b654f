"""A new e-mail address: asked for with the password, confirmed from the new mailbox, told to the old one."""

from __future__ import annotations

import secrets
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from quickshop.accounts import findable, log, mailing, sessions, users
from quickshop.accounts.errors import LinkInvalid, MailedLately
from quickshop.accounts.people import email_index, normal_email
from quickshop.accounts.proving import prove
from quickshop.kernel import db
from quickshop.kernel.clock import now
from quickshop.kernel.crypto import digest
from quickshop.kernel.errors import Invalid
from quickshop.kernel.events import Fact
from quickshop.kernel.unit_of_work import run_unit


def request_email(user_id: UUID, session_id: UUID | None, password: str, email: str, code: str | None = None) -> None:
    """Mail a link to the new address, good once and for 24 hours, and a notice to the present one.

    An address that somebody else has is answered alike, and its owner told instead. Runs its own units, around the
    hashing. Raises what `prove` raises, Invalid for the address of now, MailedLately.
    Facts: account.email_change_requested.
    """
    prove(user_id=user_id, session_id=session_id, password=password, code=code)
    run_unit(lambda: _request(user_id, session_id, email.strip()))


def _request(user_id: UUID, session_id: UUID | None, email: str) -> None:
    found = users.to_seal_for(user_id)
    if normal_email(email) == normal_email(found.opened("email")):
        raise Invalid({"email": ["This is your address already."]})
    seconds = mailing.cooling(user_id, mailing.CHANGE_EMAIL)
    if seconds:
        raise MailedLately(seconds)
    mailing.void(user_id, mailing.CHANGE_EMAIL)
    token = secrets.token_urlsafe(32)
    wish = {"email": email, "session_id": str(session_id) if session_id else None}
    sealed = found.person.seal(wish, _place(token))
    mailing.keep_token(token, user_id, mailing.CHANGE_EMAIL, mailing.CHANGE_LIFE, sealed)
    owner = users.by_email(email)
    if owner is None:
        first_name = found.opened("first_name")
        mailing.ask(mailing.EMAIL_CHANGE_REQUESTED, user_id, found.person, email, first_name, token)
    else:
        mailing.tell_already_registered(owner)  # nobody ever gets to see the token
    mailing.tell(mailing.EMAIL_CHANGE_NOTICE, found)
    log.append(user_id, [Fact("account.email_change_requested")])


def _place(token: str) -> str:
    return f"email_tokens/sealed/{digest(token).hex()}"


def confirm_email(token: str) -> UUID:
    """Make the address that a mailed token stands for the user's; whose it was. Ends all sessions but the asking one.

    Of many at once one wins. Runs its own unit. Raises LinkInvalid, also where somebody took the address meanwhile.
    Facts: account.email_changed.
    """
    try:
        return run_unit(lambda: _confirm(token))
    except IntegrityError as error:
        if db.constraint(error) == "uq_users_email_index":
            raise LinkInvalid from None
        raise


def _confirm(token: str) -> UUID:
    redeemed = mailing.redeem(token, mailing.CHANGE_EMAIL)
    if redeemed is None:
        raise LinkInvalid
    found = users.to_seal_for(redeemed.user_id)
    if found.row.disabled_at:
        raise LinkInvalid
    wish: dict[str, Any] = found.person.unseal(redeemed.sealed, _place(token))
    mailing.tell(mailing.EMAIL_CHANGED, found)
    db.run(
        "UPDATE users SET email = :email, email_index = :index, email_verified_at = :at, version = version + 1"
        " WHERE id = :id",
        email=found.person.seal(wish["email"], users.place("email", found.id)),
        index=email_index(wish["email"]),
        at=now(),
        id=found.id,
    )
    findable.refresh(found.id)
    # What was mailed to the old address opens nothing any more.
    mailing.void(found.id, mailing.VERIFY_EMAIL, mailing.RESET_PASSWORD, mailing.CHANGE_EMAIL)
    asked_in = wish["session_id"]
    sessions.revoke_all(found.id, "e-mail address changed", but=UUID(asked_in) if asked_in else None)
    sessions.forget_user(found.id)
    log.append(found.id, [Fact("account.email_changed")])
    return found.id
