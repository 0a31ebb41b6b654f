"""Forgetting imports: what was read of a file when its import has ended, the import itself after a while."""

from __future__ import annotations

from uuid import UUID

from quickshop.kernel import db

KEEP_DAYS = 30
# One that waits for somebody to go on with it; its file takes room.
WAIT_DAYS = 7


_READ = ("import_chunks", "import_rows", "import_products", "import_touched")


def drop(import_id: UUID) -> None:
    """Delete the file of an import that has ended, and what was read of it."""
    for table in _READ:
        db.run(f"DELETE FROM {table} WHERE import_id = :id", id=import_id)


def prune() -> int:
    """Delete what is not needed any more; how many imports. Writes; the caller commits. Safe to run twice."""
    for table in _READ:
        db.run(
            f"DELETE FROM {table} WHERE import_id = (SELECT id FROM imports i WHERE i.ended_at IS NOT NULL"
            f" AND EXISTS (SELECT FROM {table} x WHERE x.import_id = i.id) LIMIT 1)"
        )
    return db.run(
        """
        DELETE FROM imports WHERE id = (SELECT id FROM imports
            WHERE ended_at < now() - make_interval(days => :keep)
               OR (state IN ('uploaded', 'checked', 'stopped') AND changed_at < now() - make_interval(days => :wait))
            ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
        """,
        keep=KEEP_DAYS,
        wait=WAIT_DAYS,
    ).rowcount
