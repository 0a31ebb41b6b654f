"""Changing what a user says of themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from quickshop.accounts import findable, log, users
from quickshop.kernel import db
from quickshop.kernel.errors import NotFound
from quickshop.kernel.events import Fact

SEALED = ("first_name", "last_name", "phone")
PLAIN = ("locale",)


def change_profile(user_id: UUID, changes: Mapping[str, Any]) -> None:
    """Set some of first_name, last_name, phone (None removes it), locale. Writes; the caller commits.

    Raises NotFound. Facts: account.profile_changed with the names of the fields, never their values.
    """
    found = users.by_id(user_id)
    if found is None:
        raise NotFound("account")
    values: dict[str, Any] = {name: changes[name] for name in PLAIN if name in changes}
    for name in SEALED:
        if name in changes:
            value = changes[name]
            values[name] = None if value is None else found.person.seal(value, users.place(name, user_id))
    if not values:
        return
    columns = ", ".join(f"{name} = :{name}" for name in values)
    db.run(f"UPDATE users SET {columns} WHERE id = :id", id=user_id, **values)
    if not findable.SOURCES.isdisjoint(values):
        findable.refresh(user_id)
    log.append(user_id, [Fact("account.profile_changed", {"fields": sorted(values)})])
