"""Notes that staff write on an order for each other; sealed with the key of whose order it is, gone with it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from quickshop.accounts.people import load_person, person_key
from quickshop.kernel import db
from quickshop.kernel.clock import rfc3339
from quickshop.kernel.errors import NotFound
from quickshop.kernel.ids import new_id

MOST_SHOWN = 200


def _place(note_id: UUID) -> str:
    return f"order_notes/body/{note_id}"


def add(number: str, body: str, author_id: UUID | None) -> dict[str, Any]:
    """Write a note; the note. Writes; the caller commits. Raises NotFound, also where the person was erased."""
    order = db.row("SELECT id, person_id FROM orders WHERE number = :number FOR SHARE", number=number)
    if order is None:
        raise NotFound("order")
    note_id = new_id()
    db.run(
        "INSERT INTO order_notes (id, order_id, person_id, author_id, body)"
        " VALUES (:id, :order_id, :person_id, CAST(:author_id AS uuid), :body)",
        id=note_id,
        order_id=order.id,
        person_id=order.person_id,
        author_id=author_id,
        body=load_person(order.person_id).seal(body, _place(note_id)),
    )
    return next(note for note in of_order(number) if note["id"] == str(note_id))


_LIST = """
SELECT n.id, n.author_id, n.body, n.at, n.person_id, per.key_id, per.wrapped_key, u.username AS author
FROM order_notes n JOIN orders o ON o.id = n.order_id JOIN persons per ON per.id = n.person_id
LEFT JOIN users u ON u.id = n.author_id
WHERE o.number = :number ORDER BY n.at DESC, n.id DESC LIMIT :most
"""


def of_order(number: str) -> list[dict[str, Any]]:
    """The notes on an order, newest first: {id, author, body, at}. After an erasure `body` is None."""
    return [_note(row) for row in db.rows(_LIST, number=number, most=MOST_SHOWN)]


def _note(row: Any) -> dict[str, Any]:
    body = None
    if row.wrapped_key is not None:
        body = person_key(row.person_id, row.key_id, row.wrapped_key).unseal(row.body, _place(row.id))
    return {"id": str(row.id), "author": row.author, "body": body, "at": rfc3339(row.at)}
