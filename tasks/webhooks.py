"""Tasks of webhooks."""

from __future__ import annotations

from quickshop.webhooks import delivering
from tasks.app import celery_app
from tasks.queues import TaskNames


@celery_app.task(name=TaskNames.DRAIN_WEBHOOKS)
def drain() -> None:
    """Make events of all waiting facts and send all that is due."""
    delivering.drain()
