"""Tasks of shipping: counting what waits to be packed."""

from __future__ import annotations

from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders import backlog
from tasks.app import celery_app
from tasks.queues import TaskNames


@celery_app.task(name=TaskNames.MEASURE_PACKING)
def measure() -> None:
    """Note how many orders wait, where that moves delivery windows."""
    run_unit(backlog.measure)
