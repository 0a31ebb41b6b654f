"""Facts that a room above must still take. A row stays until its consumer has taken it in its own transaction."""

from __future__ import annotations

from typing import Any

from quickshop.kernel import db
from quickshop.kernel.outbox import dump


def leave(consumer: str, type_: str, data: dict[str, Any]) -> None:
    """Leave a fact for a consumer, within the current transaction."""
    db.run_along(
        "INSERT INTO pending_facts (consumer, type, data) VALUES (:consumer, :type, CAST(:data AS jsonb))",
        consumer=consumer,
        type=type_,
        data=dump(data),
    )


def take(consumer: str, limit: int) -> list[Any]:
    """Take up to `limit` facts, oldest first, and remove them; they come back if the transaction does not commit."""
    taken = db.rows(
        """
        WITH due AS MATERIALIZED (
            -- As a subquery of IN some plans would run it again for each row, and take more than :limit.
            SELECT id FROM pending_facts WHERE consumer = :consumer ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED
        )
        DELETE FROM pending_facts f USING due WHERE f.id = due.id
        RETURNING f.id, f.type, f.data, f.created_at
        """,
        consumer=consumer,
        limit=limit,
    )
    return sorted(taken, key=lambda r: r.id)


def look(consumer: str) -> list[Any]:
    """What waits for a consumer, left where it is: rows of type and data."""
    return db.rows("SELECT type, data FROM pending_facts WHERE consumer = :consumer", consumer=consumer)


def waiting(consumer: str) -> int:
    """How many facts wait for a consumer."""
    return int(db.scalar("SELECT count(*) FROM pending_facts WHERE consumer = :c", c=consumer))
