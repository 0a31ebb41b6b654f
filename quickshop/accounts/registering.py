"""Registration and the proof of an e-mail address. Whether an address is taken is told to its owner only."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from quickshop.accounts import findable, log, mailing, sessions, users
from quickshop.accounts.errors import LinkInvalid
from quickshop.accounts.people import PersonKey, email_index, new_person, normal_email
from quickshop.kernel import db
from quickshop.kernel.clock import now
from quickshop.kernel.errors import Invalid
from quickshop.kernel.events import Fact
from quickshop.kernel.ids import new_id
from quickshop.kernel.unit_of_work import run_unit
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

    Returns the user's id, None where the address was taken: an edge must answer the same for both.
    Raises Invalid for a weak password or a taken username. Runs its own unit, after the hashing.
    """
    passwords.check(wish.password)
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
    if owner is not None:
        mailing.ask(
            mailing.ALREADY_REGISTERED, owner.id, owner.person, owner.opened("email"), owner.opened("first_name"), None
        )
        return None
    user_id, person = new_id(), new_person()
    _insert(user_id, person, wish, hashed)
    findable.index_user(
        user_id, findable.words_of(wish.first_name, wish.last_name, wish.email, wish.phone, wish.username)
    )
    token = mailing.new_token(user_id, "verify_email", mailing.VERIFY_LIFE)
    mailing.ask(mailing.VERIFICATION_REQUESTED, user_id, person, wish.email.strip(), wish.first_name, token)
    log.append(user_id, [Fact("account.registered")])
    return user_id


def _insert(user_id: UUID, person: PersonKey, wish: Registration, hashed: str) -> None:
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
        email_index=email_index(wish.email),
        first_name=sealed("first_name", wish.first_name),
        last_name=sealed("last_name", wish.last_name),
        phone=sealed("phone", wish.phone),
        locale=wish.locale,
        hash=hashed,
    )


def resend_verification(email: str) -> None:
    """Mail a new verification link, at most once a minute. Says nothing of whether the address is known.

    Writes; the caller commits.
    """
    found = users.by_email(normal_email(email))
    if found is None or found.row.email_verified_at or mailing.cooling(found.id, "verify_email"):
        return
    token = mailing.new_token(found.id, "verify_email", mailing.VERIFY_LIFE)
    mailing.ask(
        mailing.VERIFICATION_REQUESTED, found.id, found.person, found.opened("email"), found.opened("first_name"), token
    )


def verify_email(token: str) -> UUID:
    """Take a mailed token as proof of the address; whose it was. Raises LinkInvalid. Writes; the caller commits."""
    user_id = mailing.redeem(token, "verify_email")
    if user_id is None:
        raise LinkInvalid
    mark_verified(user_id)
    return user_id


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
