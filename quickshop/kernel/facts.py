"""Facts that a room above must still take. A row stays until its consumer has taken it in its own transaction.

A consumer may listen to all that is told to the world (`fact_listeners`). Mostly nobody does, and then nothing is
written.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from quickshop.kernel import db
from quickshop.kernel.outbox import dump

# Hints that wake those who listen, as SQL: a jsonb list.
WAKES = """(SELECT coalesce(jsonb_agg(jsonb_build_object('name', task, 'queue', queue, 'args', jsonb_build_array())),
                          jsonb_build_array()) FROM fact_listeners)"""

_ANNOUNCE = f"""
WITH told AS (
    INSERT INTO pending_facts (consumer, type, data)
    SELECT consumer, :type, fact FROM fact_listeners CROSS JOIN jsonb_array_elements(CAST(:facts AS jsonb)) AS fact
)
INSERT INTO outbox (tasks) SELECT {WAKES} WHERE EXISTS (SELECT FROM fact_listeners)
"""


def leave(consumer: str, type_: str, data: dict[str, Any]) -> None:
    """Leave a fact for a consumer, within the current transaction."""
    db.run_along(
        "INSERT INTO pending_facts (consumer, type, data) VALUES (:consumer, :type, CAST(:data AS jsonb))",
        consumer=consumer,
        type=type_,
        data=dump(data),
    )


def announce(type_: str, *facts: dict[str, Any]) -> None:
    """Tell those who listen of facts of one type, within the current transaction; it costs no round trip.

    `facts` hold ids, states and amounts, nothing that is personal or secret: they leave the shop.
    """
    if facts:
        db.run_along(_ANNOUNCE, type=type_, facts=dump(list(facts)))


def listen(consumer: str, task: str, queue: str) -> None:
    """Have a consumer get every fact from now on, and its task woken by each. Writes; again changes nothing."""
    db.run(
        "INSERT INTO fact_listeners (consumer, task, queue) VALUES (:consumer, :task, :queue) ON CONFLICT DO NOTHING",
        consumer=consumer,
        task=task,
        queue=queue,
    )


def stop_listening(consumer: str) -> None:
    """Give a consumer no more than what is left for it by name. Writes."""
    db.run("DELETE FROM fact_listeners WHERE consumer = :consumer", consumer=consumer)


def take(consumer: str, limit: int, but: Collection[int] = ()) -> list[Any]:
    """Take up to `limit` facts, oldest first, and remove them; they come back if the transaction does not commit.

    Those in `but` stay where they are, for they failed a moment ago.
    """
    taken = db.rows(
        """
        WITH due AS MATERIALIZED (
            -- As a subquery of IN some plans would run it again for each row, and take more than :limit.
            SELECT id FROM pending_facts WHERE consumer = :consumer AND id <> ALL(CAST(:but AS bigint[]))
            ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED
        )
        DELETE FROM pending_facts f USING due WHERE f.id = due.id
        RETURNING f.id, f.type, f.data, f.created_at
        """,
        consumer=consumer,
        limit=limit,
        but=list(but),
    )
    return sorted(taken, key=lambda r: r.id)


def look(consumer: str) -> list[Any]:
    """What waits for a consumer, left where it is: rows of type and data."""
    return db.rows("SELECT type, data FROM pending_facts WHERE consumer = :consumer", consumer=consumer)


def waiting(consumer: str) -> int:
    """How many facts wait for a consumer."""
    return int(db.scalar("SELECT count(*) FROM pending_facts WHERE consumer = :c", c=consumer))
