"""Tasks of imports."""

from __future__ import annotations

from uuid import UUID

from quickshop.imports import working
from tasks.app import celery_app
from tasks.queues import TaskNames


# All or nothing is one transaction and may take minutes; still less than until its message would come back.
@celery_app.task(name=TaskNames.PROCESS_IMPORT, soft_time_limit=150, time_limit=170)
def process(import_id: str) -> None:
    """Work on the import for a turn; does nothing where another worker has it or it waits for staff."""
    working.process(UUID(import_id))
