"""Reads of accounts: the person's own view, and what checkout needs to know of a buyer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from quickshop.accounts import users
from quickshop.accounts.people import PersonKey
from quickshop.kernel import db
from quickshop.kernel.clock import rfc3339


@dataclass(frozen=True)
class Buyer:
    """What checkout needs of a member, read now."""

    user_id: UUID
    person: PersonKey
    email: str
    first_name: str
    verified: bool
    vip: bool
    spent: Mapping[str, int]  # minor units by currency
    order_count: int


def buyer(user_id: UUID) -> Buyer:
    """The member as a buyer, in one statement; they cannot be erased before the order is written. Raises NotFound."""
    found = users.to_seal_for(user_id)
    row = found.row
    return Buyer(
        user_id=user_id,
        person=found.person,
        email=found.opened("email"),
        first_name=found.opened("first_name"),
        verified=row.email_verified_at is not None,
        vip=row.vip,
        spent=row.spent,
        order_count=row.order_count,
    )


def me(user_id: UUID, permissions: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The account as its owner sees it. Raises NotFound."""
    found = users.known(user_id)
    row = found.row
    return {
        "id": str(row.id),
        "username": row.username,
        "email": found.opened("email"),
        "email_verified": row.email_verified_at is not None,
        "first_name": found.opened("first_name"),
        "last_name": found.opened("last_name"),
        "phone": found.opened("phone"),
        "locale": row.locale,
        "vip": row.vip,
        "order_count": row.order_count,
        "permissions": sorted(permissions),
        "created_at": rfc3339(row.created_at),
        "version": row.version,
        "profile": _completion(row),
    }


def _completion(row: Any) -> dict[str, Any]:
    """What a profile may still be given. A list to look at: nothing that the shop does waits for it."""
    more = db.rows(
        "SELECT EXISTS (SELECT FROM addresses WHERE user_id = :id) AS address,"
        " EXISTS (SELECT FROM preferences WHERE user_id = :id) AS preferences",
        id=row.id,
    )[0]
    steps = [
        {"name": "email_verified", "done": row.email_verified_at is not None},
        {"name": "phone", "done": row.phone is not None},
        {"name": "address", "done": more.address},
        {"name": "preferences", "done": more.preferences},
    ]
    return {"complete": all(step["done"] for step in steps), "steps": steps}


def user_id_of_login(login: str) -> UUID | None:
    """The id of the user with this e-mail address or username (commands and the demo shop use it)."""
    found = users.by_login(login)
    return found.id if found else None
