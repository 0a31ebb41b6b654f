"""A user's address book: each address is sealed whole, and one of them is the default for each use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

from quickshop.accounts import log, users
from quickshop.accounts.address_rules import FIELDS, checked
from quickshop.accounts.errors import TooManyAddresses
from quickshop.accounts.people import PersonKey
from quickshop.kernel import db
from quickshop.kernel.clock import now, rfc3339
from quickshop.kernel.errors import NotFound
from quickshop.kernel.events import Fact
from quickshop.kernel.ids import new_id

MOST_ADDRESSES = 50
Kind = Literal["shipping", "billing", "both"]
_COLUMNS = {
    "shipping": ("default_shipping",),
    "billing": ("default_billing",),
    "both": ("default_shipping", "default_billing"),
}
_SELECT = """
SELECT id, sealed, country, default_shipping, default_billing, created_at, updated_at
FROM addresses WHERE user_id = :user
"""


# --- reads ---------------------------------------------------------------------------------------------


def address_book(user_id: UUID) -> list[dict[str, Any]]:
    """All addresses of a user, oldest first. Raises NotFound for nobody."""
    person = users.known(user_id).person
    return [_document(person, row) for row in db.rows(f"{_SELECT} ORDER BY created_at, id", user=user_id)]


def address(user_id: UUID, address_id: UUID) -> dict[str, Any]:
    """One address of a user. Raises NotFound, also for another's."""
    row = db.row(f"{_SELECT} AND id = :id", user=user_id, id=address_id)
    if row is None:
        raise NotFound("address")
    return _document(users.known(user_id).person, row)


def postal_part(document: Mapping[str, Any]) -> dict[str, str]:
    """What of an address in the book goes on a parcel, or into an order."""
    return {name: document[name] for name in FIELDS}


def place(address_id: UUID) -> str:
    """The place that a sealed address is bound to."""
    return f"addresses/sealed/{address_id}"


# --- verbs ---------------------------------------------------------------------------------------------


def add_address(user_id: UUID, fields: Mapping[str, Any]) -> UUID:
    """Put an address into the book; the first becomes both defaults. Writes; the caller commits.

    Raises Invalid, TooManyAddresses, NotFound. Facts: account.address_added.
    """
    fine = checked(fields)
    users.lock(user_id)  # as every verb here, so that there is always exactly one default
    there = int(db.scalar("SELECT count(*) FROM addresses WHERE user_id = :user", user=user_id))
    if there >= MOST_ADDRESSES:
        raise TooManyAddresses(f"An address book holds {MOST_ADDRESSES} addresses; remove one first.")
    address_id, at = new_id(), now()
    db.run(
        """
        INSERT INTO addresses (id, user_id, sealed, country, default_shipping, default_billing, created_at, updated_at)
        VALUES (:id, :user, :sealed, :country, :first, :first, :at, :at)
        """,
        id=address_id,
        user=user_id,
        sealed=users.known(user_id).person.seal(fine, place(address_id)),
        country=fine["country"],
        first=there == 0,
        at=at,
    )
    _tell(user_id, "account.address_added", address_id)
    return address_id


def keep_address(user_id: UUID, fields: Mapping[str, Any]) -> None:
    """Put an address into the book unless the very same stands there. Raises as add_address."""
    fine = checked(fields)
    if all(postal_part(known) != fine for known in address_book(user_id)):
        add_address(user_id, fine)


def change_address(user_id: UUID, address_id: UUID, changes: Mapping[str, Any]) -> None:
    """Change some fields of an address; the whole must be right afterwards. Writes; the caller commits.

    Orders copied what they need and stay as they are. Raises NotFound, Invalid. Facts: account.address_changed.
    """
    users.lock(user_id)
    before = postal_part(address(user_id, address_id))
    after = checked({**before, **changes})
    if after == before:
        return
    db.run(
        "UPDATE addresses SET sealed = :sealed, country = :country, updated_at = :at WHERE id = :id",
        id=address_id,
        sealed=users.known(user_id).person.seal(after, place(address_id)),
        country=after["country"],
        at=now(),
    )
    _tell(user_id, "account.address_changed", address_id)


def remove_address(user_id: UUID, address_id: UUID) -> None:
    """Take an address out of the book; what it was the default for passes to the newest one left.

    Writes; the caller commits. Raises NotFound. Facts: account.address_removed.
    """
    users.lock(user_id)
    gone = db.row(
        "DELETE FROM addresses WHERE id = :id AND user_id = :user RETURNING default_shipping, default_billing",
        id=address_id,
        user=user_id,
    )
    if gone is None:
        raise NotFound("address")
    db.run(
        """
        UPDATE addresses SET default_shipping = default_shipping OR :shipping,
                             default_billing = default_billing OR :billing
        WHERE id = (SELECT id FROM addresses WHERE user_id = :user ORDER BY created_at DESC, id DESC LIMIT 1)
        """,
        user=user_id,
        shipping=gone.default_shipping,
        billing=gone.default_billing,
    )
    _tell(user_id, "account.address_removed", address_id)


def make_default(user_id: UUID, address_id: UUID, kind: Kind) -> None:
    """Make an address the default for shipping, billing or both. Writes; the caller commits.

    Raises NotFound. Facts: account.address_changed, where it was not the default already.
    """
    users.lock(user_id)
    known = db.row(f"{_SELECT} AND id = :id", user=user_id, id=address_id)
    if known is None:
        raise NotFound("address")
    moving = [column for column in _COLUMNS[kind] if not getattr(known, column)]
    for column in moving:
        # Taken from the old one first: the index allows no second, not even for a moment.
        db.run(f"UPDATE addresses SET {column} = false WHERE user_id = :user AND {column}", user=user_id)
        db.run(f"UPDATE addresses SET {column} = true WHERE id = :id", id=address_id)
    if moving:
        _tell(user_id, "account.address_changed", address_id)


# --- inside --------------------------------------------------------------------------------------------


def _document(person: PersonKey, row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        **person.unseal(row.sealed, place(row.id)),
        "default_shipping": row.default_shipping,
        "default_billing": row.default_billing,
        "created_at": rfc3339(row.created_at),
        "updated_at": rfc3339(row.updated_at),
    }


def _tell(user_id: UUID, fact: str, address_id: UUID) -> None:
    log.append(user_id, [Fact(fact, {"id": str(address_id)})])
