"""Changing what a user says of themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from quickshop.accounts import findable, log, users
from quickshop.accounts.errors import ChangedMeanwhile
from quickshop.kernel import db
from quickshop.kernel.events import Fact

SEALED = ("first_name", "last_name", "phone")
PLAIN = ("locale",)


def change_profile(user_id: UUID, changes: Mapping[str, Any], version: int | None = None) -> None:
    """Set some of first_name, last_name, phone (None removes it), locale. Writes; the caller commits.

    `version` is the one that the caller saw, where they say it. Raises NotFound, ChangedMeanwhile for a stale one.
    Facts: account.profile_changed with the names of the fields, never their values.
    """
    found = users.to_seal_for(user_id)
    values: dict[str, Any] = {name: changes[name] for name in PLAIN if name in changes}
    for name in SEALED:
        if name in changes:
            value = changes[name]
            values[name] = None if value is None else found.person.seal(value, users.place(name, user_id))
    if not values:
        _check(version, found.row.version)
        return
    columns = "".join(f"{name} = :{name}, " for name in values)
    present = db.scalar(
        f"UPDATE users SET {columns}version = version + 1 WHERE id = :id"
        " AND version = coalesce(CAST(:version AS bigint), version) RETURNING version",
        id=user_id,
        version=version,
        **values,
    )
    if present is None:
        _check(version, db.scalar("SELECT version FROM users WHERE id = :id", id=user_id))
    if not findable.SOURCES.isdisjoint(values):
        findable.refresh(user_id)
    log.append(user_id, [Fact("account.profile_changed", {"fields": sorted(values)})])


def _check(seen: int | None, present: int) -> None:
    if seen is not None and seen != present:
        raise ChangedMeanwhile(present)
