"""Tasks of notifications."""

from __future__ import annotations

from quickshop.notifications import reminding, service
from tasks.app import celery_app
from tasks.queues import TaskNames


@celery_app.task(name=TaskNames.DRAIN_NOTIFICATIONS)
def drain() -> None:
    """Take all waiting facts and send all that is due."""
    service.drain()


@celery_app.task(name=TaskNames.DELIVER_NOTIFICATIONS)
def deliver() -> None:
    """The same from the clock: what failed earlier is due again, though no new fact came."""
    service.drain()


@celery_app.task(name=TaskNames.REMIND_CARTS)
def remind_carts() -> None:
    """Leave word for those who agreed to be reminded of the carts they left."""
    reminding.remind()
