"""What becomes of conversations by themselves: solved ones are closed, and after two years nothing is left of them."""

from __future__ import annotations

from datetime import timedelta

from quickshop.kernel import db
from quickshop.kernel.clock import now

CLOSE_SOLVED_AFTER = timedelta(days=14)
KEEP_CLOSED = timedelta(days=730)
KEEP_UNSENT = timedelta(days=1)
BATCH = 200


def prune() -> int:
    """Close what was solved two weeks ago, delete what was closed two years ago and files that were never sent.

    How many conversations were touched; run it again while it is not 0. Writes; the caller commits.
    """
    at = now()
    db.run("DELETE FROM ticket_attachments WHERE message_id IS NULL AND created_at < :before", before=at - KEEP_UNSENT)
    closed = db.run(
        """
        UPDATE tickets SET state = 'closed', closed_at = :at, version = version + 1 WHERE id IN (
            SELECT id FROM tickets WHERE state = 'solved' AND moved_at < :before
            ORDER BY id LIMIT :most FOR UPDATE SKIP LOCKED)
        """,
        at=at,
        before=at - CLOSE_SOLVED_AFTER,
        most=BATCH,
    ).rowcount
    over = [
        row.id
        for row in db.rows(
            "SELECT id FROM tickets WHERE state = 'closed' AND closed_at < :before"
            " ORDER BY id LIMIT :most FOR UPDATE SKIP LOCKED",
            before=at - KEEP_CLOSED,
            most=BATCH,
        )
    ]
    for table in ("ticket_attachments", "ticket_messages"):
        db.run(f"DELETE FROM {table} WHERE ticket_id = ANY(:ids)", ids=over)
    db.run("DELETE FROM tickets WHERE id = ANY(:ids)", ids=over)
    return closed + len(over)
