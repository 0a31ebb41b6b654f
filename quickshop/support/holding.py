"""Locks of a conversation: its shopper's key first, so that an erasure comes wholly before or after, then its row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from quickshop.accounts.people import PersonKey, person_key
from quickshop.kernel import db
from quickshop.kernel.errors import NotFound

_KEY = """
SELECT p.id, p.key_id, p.wrapped_key FROM tickets t JOIN persons p ON p.id = t.person_id
WHERE t.id = :id FOR KEY SHARE OF p
"""
_TICKET = """
SELECT id, number, user_id, order_id, email, state, assignee_id, message_count, version
FROM tickets WHERE id = :id FOR NO KEY UPDATE
"""


@dataclass(frozen=True)
class Held:
    """A ticket's row as it stands until the unit is over, and the key that seals what is in it."""

    row: Any
    person: PersonKey


def hold(ticket_id: UUID) -> Held:
    """Lock a ticket for the unit in hand. Raises NotFound."""
    key = db.row(_KEY, id=ticket_id)
    row = db.row(_TICKET, id=ticket_id) if key is not None else None
    if key is None or row is None:
        raise NotFound("ticket")
    return Held(row, person_key(key.id, key.key_id, key.wrapped_key))
