"""Tasks of the house: pruning what is no longer needed, and the canary that proves a queue is served."""

from __future__ import annotations

from quickshop.accounts import pruning
from quickshop.cart import service as carts
from quickshop.imports import pruning as imports
from quickshop.inventory import service as inventory
from quickshop.kernel import idempotency, outbox
from quickshop.kernel.unit_of_work import run_unit
from quickshop.monitoring import service as monitoring
from quickshop.orders import signals
from quickshop.support import pruning as support
from quickshop.webhooks import noting as webhooks
from quickshop.wishlists import alerts
from tasks.app import celery_app
from tasks.queues import TaskNames


@celery_app.task(name=TaskNames.PRUNE)
def prune() -> None:
    """Delete sent outbox rows, old idempotency keys, sessions, imports, alerts, webhook events and carts long over.

    Free holds that ran out, and tell of those that soon will.
    """
    run_unit(outbox.prune)
    run_unit(idempotency.prune)
    run_unit(pruning.prune)
    run_unit(alerts.prune)
    while run_unit(signals.prune):
        pass
    while run_unit(imports.prune):
        pass
    while run_unit(support.prune):
        pass
    while run_unit(webhooks.prune):
        pass
    run_unit(carts.prune)
    run_unit(inventory.warn_of_expiry)
    while run_unit(inventory.release_expired):
        pass


@celery_app.task(name=TaskNames.CANARY)
def canary(queue: str) -> None:
    """Note that the queue is consumed."""
    run_unit(lambda: monitoring.record_canary(queue))
