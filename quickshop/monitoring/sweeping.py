"""Finding work whose wake-up was lost or has become due, and lifting orders that wait too long. Sends nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from quickshop.kernel import db

# A hint that brought no worker for so long, and is older than all that lies in its queue, is lost.
LOST_SECONDS = 5
# By how much it must be older: an order is hinted in the database a moment before its message is written.
BEHIND_SECONDS = 1
# An order climbs through these, one at a time.
CLASSES = ("orders.standard", "orders.high", "orders.vip")


@dataclass(frozen=True)
class DueOrder:
    """An order that should be looked at, and the queue that serves it now."""

    order_id: UUID
    queue: str


@dataclass(frozen=True)
class DueJob:
    """A periodic job whose time has come; queue `*` means each queue once."""

    name: str
    queue: str
    every_seconds: int


# `hinted_at < next_run_at`: it became due (a retry, a look-up) after the last hint was given.
_DUE = """
WITH queues AS (
    SELECT * FROM unnest(CAST(:queues AS text[]), CAST(:ages AS float8[])) AS q (queue, age)
), due AS (
    SELECT order_id FROM order_processing p LEFT JOIN queues USING (queue)
    WHERE step <> 'done' AND next_run_at <= now() AND (lease_until IS NULL OR lease_until < now())
      AND (hinted_at < next_run_at
           OR hinted_at < now() - make_interval(secs => greatest(:lost,
                CASE WHEN lease_until IS NULL THEN age + :behind END)))
    ORDER BY next_run_at LIMIT :limit FOR UPDATE OF p SKIP LOCKED
)
UPDATE order_processing p SET hinted_at = now() FROM due WHERE p.order_id = due.order_id
RETURNING p.order_id, p.queue, p.waiting_since
"""


def take_due_orders(head_ages: Mapping[str, float], limit: int = 500) -> list[DueOrder]:
    """Orders that need a new hint, marked as hinted now; those waiting longest first.

    An order whose lease has run out, or whose next run became due, is taken at once. One that merely waits is
    taken when its hint must be lost: queues are first in, first out, so a hint older than the oldest one in its
    queue is no longer there. `head_ages`: seconds since that oldest hint was sent, by queue; an empty queue is missing.
    """
    found = db.rows(
        _DUE,
        queues=list(head_ages),
        ages=[float(a) for a in head_ages.values()],
        lost=float(LOST_SECONDS),
        behind=float(BEHIND_SECONDS),
        limit=limit,
    )
    return [DueOrder(r.order_id, r.queue) for r in sorted(found, key=lambda r: r.waiting_since)]


# The class decided at submission stays in orders.priority; only the queue climbs. `rank` counts from standard.
_PROMOTE = """
WITH slow AS (
    SELECT p.order_id, array_position(CAST(:classes AS text[]), p.queue) AS rank
    FROM order_processing p JOIN orders o ON o.id = p.order_id
    WHERE p.step <> 'done' AND p.next_run_at <= now() AND p.started_at IS NULL AND p.queue <> :top
      AND p.waiting_since < now() - make_interval(secs => :seconds * (1
          + array_position(CAST(:classes AS text[]), p.queue)
          - array_position(CAST(:classes AS text[]), 'orders.' || o.priority)))
    ORDER BY p.waiting_since LIMIT :limit FOR UPDATE OF p SKIP LOCKED
)
UPDATE order_processing p SET queue = (CAST(:classes AS text[]))[slow.rank + 1], hinted_at = now()
FROM slow WHERE p.order_id = slow.order_id
RETURNING p.order_id, p.queue, p.waiting_since
"""


def promote(seconds: int, limit: int = 500) -> list[DueOrder]:
    """Lift orders that nobody has started by one class for each `seconds` waited; they need a hint in the new queue."""
    found = db.rows(_PROMOTE, classes=list(CLASSES), top=CLASSES[-1], seconds=seconds, limit=limit)
    return [DueOrder(r.order_id, r.queue) for r in sorted(found, key=lambda r: r.waiting_since)]


def take_due_jobs() -> list[DueJob]:
    """Periodic jobs that are due, with their next run already set."""
    found = db.rows(
        """
        WITH due AS (
            SELECT name FROM periodic_jobs WHERE next_run_at <= now() FOR UPDATE SKIP LOCKED
        )
        UPDATE periodic_jobs j SET next_run_at = now() + make_interval(secs => j.every_seconds)
        FROM due WHERE j.name = due.name RETURNING j.name, j.queue, j.every_seconds
        """
    )
    return [DueJob(r.name, r.queue, r.every_seconds) for r in found]


# What keeps a delivery `d` from being sent though its time has come: its channel is left alone, or another of the same
# person goes first.
UNHELD = """
NOT EXISTS (SELECT FROM channel_pauses p WHERE p.channel = d.channel AND p.try_at > now())
AND NOT EXISTS (
    SELECT FROM deliveries e WHERE e.person_id = d.person_id AND e.channel || '' = d.channel AND e.device = d.device
      AND e.state = 'pending' AND (e.happened_at, e.id) < (d.happened_at, d.id))
"""


def notifications_wait(seconds: int = LOST_SECONDS) -> bool:
    """Whether a fact or a delivery has been due for `seconds` and nobody took it."""
    return bool(
        db.scalar(
            f"""
            SELECT EXISTS (SELECT FROM pending_facts WHERE consumer IN ('accounts', 'notifications')
                           AND created_at < now() - make_interval(secs => :s))
                OR EXISTS (SELECT FROM deliveries d WHERE d.state = 'pending'
                           AND d.next_run_at < now() - make_interval(secs => :s) AND {UNHELD})
            """,
            s=seconds,
        )
    )


def facts_wait(consumer: str) -> bool:
    """Whether a fact waits for a consumer that nobody else wakes."""
    return bool(db.scalar("SELECT EXISTS (SELECT FROM pending_facts WHERE consumer = :consumer)", consumer=consumer))


def outbox_is_behind(seconds: float = 2) -> bool:
    """Whether a row waits to be sent for so long: then hints that are not there yet are not lost."""
    return bool(
        db.scalar(
            "SELECT EXISTS (SELECT FROM outbox WHERE sent_at IS NULL"
            " AND created_at < now() - make_interval(secs => :s))",
            s=float(seconds),
        )
    )


def free_claims() -> int:
    """Forget the claims of a relay that is gone, so that its unsent rows need not wait for their lease; how many."""
    return db.run("UPDATE outbox SET lease_until = NULL WHERE sent_at IS NULL AND lease_until IS NOT NULL").rowcount
