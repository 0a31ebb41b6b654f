"""Tasks of stock: looking for what runs low."""

from __future__ import annotations

from quickshop.inventory import watching
from quickshop.kernel.unit_of_work import run_unit
from tasks.app import celery_app
from tasks.queues import TaskNames


@celery_app.task(name=TaskNames.WATCH_STOCK)
def watch() -> None:
    """Have staff told of what became low."""
    run_unit(watching.watch)
