"""Registration and the proof of an e-mail address. Whether an address is taken is told to its owner only."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from quickshop.accounts import asking, findable, log, mailing, sessions, users
from quickshop.accounts.errors import LinkInvalid
from quickshop.accounts.password_changes import names_in
from quickshop.accounts.people import PersonKey, email_index, new_person
from quickshop.kernel import db
from quickshop.kernel.clock import now
from quickshop.kernel.errors import Invalid
from quickshop.kernel.events import Fact
from quickshop.kernel.ids import new_id
from quickshop.kernel.unit_of_work import rehearsal, run_unit
from quickshop.security import passwords

USERNAME_TAKEN = "This username is taken."


@dataclass(frozen=True)
class Registration:
    """What somebody gives to open an account; the fields are well-formed."""

    email: str
    username: str
    password: str = field(repr=False)
    first_name: str
    last_name: str
    phone: str | None = None
    locale: str = "en"


def register(wish: Registration) -> UUID | None:
    """Open an account and mail the verification link; for a taken address mail its owner instead.

    Returns the user's id, None where the address was taken: an edge must answer the same for both, and the same is
    done for both. Raises Invalid for a weak password or a taken username. Runs its own unit, after the hashing.
    Facts: account.registered.
    """
    passwords.check(wish.password, names=names_in(wish.username, wish.email))
    hashed = passwords.hash_password(wish.password)
    try:
        return run_unit(lambda: _register(wish, hashed))
    except IntegrityError as error:
        # Somebody was quicker between our look and our insert.
        if db.constraint(error) == "uq_users_username":
            raise Invalid({"username": [USERNAME_TAKEN]}) from None
        if db.constraint(error) == "uq_users_email_index":
            return run_unit(lambda: _register(wish, hashed))
        raise


def _register(wish: Registration, hashed: str) -> UUID | None:
    if db.scalar("SELECT 1 FROM users WHERE lower(username) = lower(:name)", name=wish.username):
        raise Invalid({"username": [USERNAME_TAKEN]})
    owner = users.by_email(wish.email)
    user_id = new_id()
    with rehearsal(keep=owner is None):
        person = new_person()
        index = email_index(wish.email) if owner is None else os.urandom(32)  # nobody's, to be undone
        _insert(user_id, person, wish, hashed, index)
        findable.index_user(
            user_id, findable.words_of(wish.first_name, wish.last_name, wish.email, wish.phone, wish.username)
        )
        token = mailing.new_token(user_id, mailing.VERIFY_EMAIL, mailing.VERIFY_LIFE)
        log.append(user_id, [Fact("account.registered")])
    if owner is not None:
        mailing.tell_already_registered(owner)
        return None
    mailing.ask(mailing.VERIFICATION_REQUESTED, user_id, person, wish.email.strip(), wish.first_name, token)
    return user_id


def _insert(user_id: UUID, person: PersonKey, wish: Registration, hashed: str, index: bytes) -> None:
    def sealed(column: str, value: str | None) -> bytes | None:
        return None if value is None else person.seal(value, users.place(column, user_id))

    db.run(
        """
        INSERT INTO users (id, person_id, username, email, email_index, first_name, last_name, phone, locale,
                           password_hash)
        VALUES (:id, :person, :username, :email, :email_index, :first_name, :last_name, :phone, :locale, :hash)
        """,
        id=user_id,
        person=person.id,
        username=wish.username,
        email=sealed("email", wish.email.strip()),
        email_index=index,
        first_name=sealed("first_name", wish.first_name),
        last_name=sealed("last_name", wish.last_name),
        phone=sealed("phone", wish.phone),
        locale=wish.locale,
        hash=hashed,
    )


def resend_verification(email: str) -> None:
    """Ask for the verification link again. The same is done for every address; see `asking`.

    Writes; the caller commits.
    """
    asking.leave(asking.VERIFICATION_ASKED, email)


def send_link(email: str) -> None:
    """Mail a new verification link to an address that waits for it: once a minute, then more seldom.

    Writes; the caller commits.
    """
    found = users.by_email(email)
    if found is None or found.row.email_verified_at or mailing.cooling(found.id, mailing.VERIFY_EMAIL):
        return
    token = mailing.new_token(found.id, mailing.VERIFY_EMAIL, mailing.VERIFY_LIFE)
    mailing.tell(mailing.VERIFICATION_REQUESTED, found, token)


def verify_email(token: str) -> UUID:
    """Take a mailed token as proof of the address; whose it was. Raises LinkInvalid. Writes; the caller commits."""
    redeemed = mailing.redeem(token, mailing.VERIFY_EMAIL)
    if redeemed is None:
        raise LinkInvalid
    mark_verified(redeemed.user_id)
    return redeemed.user_id


def mark_verified(user_id: UUID) -> None:
    """Record that the address belongs to the user, once. Facts: account.email_verified."""
    fresh = db.scalar(
        "UPDATE users SET email_verified_at = :at WHERE id = :id AND email_verified_at IS NULL RETURNING 1",
        at=now(),
        id=user_id,
    )
    if fresh:
        log.append(user_id, [Fact("account.email_verified")])
    sessions.forget_user(user_id)
