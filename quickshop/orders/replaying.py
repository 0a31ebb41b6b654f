"""Work that automation gave up, taken up again by staff: under the same keys, from the step at which it stopped."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from quickshop.kernel import db, outbox
from quickshop.kernel.errors import NotFound
from quickshop.kernel.outbox import TaskHint
from quickshop.orders import steps
from quickshop.orders.errors import NotFailed
from quickshop.orders.holding import LOCK, go_on
from quickshop.orders.states import HoldReason
from quickshop.payments import breaks
from quickshop.payments import service as payments

UNDO_FAILED = "undo_failed"
GIVEN_UP = (str(HoldReason.NEEDS_REVIEW), UNDO_FAILED)


def replay(task_id: UUID, request_id: str | None) -> str:
    """Try again what was given up, or at once what waits for its next try; the order's number. Writes; the caller
    commits.

    `task_id` is the order's id: an order has one task. An outcome that nobody knew is asked for under the same key,
    never charged anew. Raises NotFound, NotFailed. Records `order.released` where the order was on hold.
    """
    order = db.row(LOCK.format(which="o.id = :id"), id=task_id)
    if order is None:
        raise NotFound("task")
    if order.status == "on_hold" and order.hold_reason == HoldReason.NEEDS_REVIEW:
        payments.take_up(order.id, order.payment_round)
        breaks.gone(payments.attempt_key(order.id, order.payment_round, "authorize"), "payment_unknown")
        go_on(order, "replayed", request_id)
    elif order.stopped_why == UNDO_FAILED and order.step == "done":
        steps.waited(order.id, "replayed")
        step = "refund" if order.payment_status in ("captured", "partially_refunded") else "void"
        _hint(order, steps.start(order.id, step))
    elif order.step != "done" and not order.worked_on:
        _hint(order, _now(order.id))
    else:
        raise NotFailed("Nothing of this order was given up.")
    return str(order.number)


def _now(order_id: UUID) -> str:
    return str(
        db.scalar(
            "UPDATE order_processing SET next_run_at = least(next_run_at, now()), hinted_at = now()"
            " WHERE order_id = :id RETURNING queue",
            id=order_id,
        )
    )


def _hint(order: Any, queue: str) -> None:
    outbox.write(tasks=[TaskHint("orders.process", queue, (str(order.id),))])
