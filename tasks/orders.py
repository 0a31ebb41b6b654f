"""Tasks of orders."""

from __future__ import annotations

from uuid import UUID

from quickshop.orders import processing, verifying
from tasks.app import celery_app
from tasks.queues import TaskNames


@celery_app.task(name=TaskNames.PROCESS_ORDER)
def process(order_id: str) -> None:
    """Run every step of the order that can run now; does nothing where another worker has it or it has ended."""
    processing.process(UUID(order_id))


@celery_app.task(name=TaskNames.EXPIRE_HOLDS)
def expire_holds() -> None:
    """Cancel the risky orders that nobody decided in time."""
    verifying.expire()
