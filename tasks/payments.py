"""Tasks of payments."""

from __future__ import annotations

from quickshop.orders import reconciling
from quickshop.payments import forgetting
from tasks.app import celery_app
from tasks.queues import TaskNames


@celery_app.task(name=TaskNames.RECONCILE)
def reconcile() -> None:
    """Compare the payment providers' books with ours and with the orders; have removed cards forgotten there."""
    reconciling.reconcile()
    forgetting.forget_cards()
