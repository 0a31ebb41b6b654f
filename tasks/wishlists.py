"""Tasks of wishlists."""

from __future__ import annotations

from quickshop.wishlists import telling
from tasks.app import celery_app
from tasks.queues import TaskNames


@celery_app.task(name=TaskNames.TELL_WISHLISTS)
def tell() -> None:
    """Tell those who asked of what came back into stock, and of what costs less."""
    telling.drain()
