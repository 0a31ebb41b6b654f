"""The key of each person: made with the person, unwrapped to read, destroyed to forget."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from quickshop.extensions import settings
from quickshop.kernel import db
from quickshop.kernel.crypto import WrappedKey, blind_index, seal, seal_bytes, unseal, unseal_bytes
from quickshop.kernel.errors import NotFound
from quickshop.kernel.ids import new_id
from quickshop.kernel.master_keys import keyring


@dataclass(frozen=True)
class PersonKey:
    """A person and the key that opens what we know of them."""

    id: UUID
    key: bytes = field(repr=False)

    def seal(self, value: Any, place: str) -> bytes:
        """Seal a JSON-able value for `place` ("table/column/row id")."""
        return seal(self.key, value, place)

    def unseal(self, sealed: bytes | memoryview | None, place: str) -> Any:
        """Open a sealed value; None stays None. Raises SealBroken."""
        return None if sealed is None else unseal(self.key, sealed, place)

    def seal_bytes(self, content: bytes, place: str) -> bytes:
        """Seal the content of a file."""
        return seal_bytes(self.key, content, place)

    def unseal_bytes(self, sealed: bytes | memoryview, place: str) -> bytes:
        """Open the content of a file. Raises SealBroken."""
        return unseal_bytes(self.key, sealed, place)


def make_key() -> tuple[PersonKey, WrappedKey]:
    """A new person's id and key, plain and wrapped, for a caller that writes the row itself."""
    person_id = new_id()
    plain, wrapped = keyring().new_key(str(person_id))
    return PersonKey(person_id, plain), wrapped


def new_person() -> PersonKey:
    """Write a new person with a key of their own."""
    person, wrapped = make_key()
    db.run_along(
        "INSERT INTO persons (id, key_id, wrapped_key) VALUES (:id, :key_id, :wrapped)",
        id=person.id,
        key_id=wrapped.key_id,
        wrapped=wrapped.wrapped,
    )
    return person


def person_key(person_id: UUID, key_id: str | None, wrapped: bytes | memoryview | None) -> PersonKey:
    """The key from a row of `persons`. Raises NotFound for an erased person, SealBroken for a foreign key."""
    if key_id is None or wrapped is None:
        raise NotFound("person")
    return PersonKey(person_id, keyring().unwrap(WrappedKey(key_id, bytes(wrapped)), str(person_id)))


def load_person(person_id: UUID) -> PersonKey:
    """Read a person's key. Raises NotFound for nobody or an erased person."""
    row = db.row("SELECT key_id, wrapped_key FROM persons WHERE id = :id", id=person_id)
    if row is None:
        raise NotFound("person")
    return person_key(person_id, row.key_id, row.wrapped_key)


def normal_email(email: str) -> str:
    """The one spelling by which an address is compared: no blanks around it, lower case."""
    return email.strip().casefold()


def email_index(email: str) -> bytes:
    """The blind index of an address."""
    return blind_index(settings().index_key, "email", normal_email(email))
