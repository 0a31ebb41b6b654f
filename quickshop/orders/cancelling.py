"""Cancelling an order before it is packed: at once, whatever is being done with it. Its stock and what it used of
promotions are free in the same moment; its money follows as a step of its own (`undoing`).
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from quickshop.kernel import db
from quickshop.kernel.errors import NotFound
from quickshop.kernel.events import Fact
from quickshop.kernel.outbox import TaskHint
from quickshop.orders import steps
from quickshop.orders.errors import NotCancellable
from quickshop.orders.freeing import let_go
from quickshop.orders.log import Move, move
from quickshop.orders.steps import TOLD
from quickshop.orders.viewers import Viewer
from quickshop.payments import service as payments

CANCELLABLE = ("placed", "processing", "on_hold", "payment_failed", "confirmed")
# A call to the gateway that is under way now is over by then, and the first look tells of it.
_CALL_SECONDS = 8.0

# Locks as a worker does: the work, then the order.
_LOCK = """
SELECT o.id, o.number, o.user_id, o.status, o.payment_status, o.fulfilment_status, o.payment_round, o.total_minor,
       o.confirmed_at, p.step, p.lease_until > now() AS worked_on
FROM order_processing p JOIN orders o ON o.id = p.order_id WHERE o.number = :number FOR UPDATE
"""


def cancellable(status: str, fulfilment_status: str) -> bool:
    """Whether an order may be cancelled as it stands: nothing of it has been packed or sent."""
    return status in CANCELLABLE and fulfilment_status == "unfulfilled"


def cancel(number: str, viewer: Viewer, request_id: str | None, by: str = "shopper") -> UUID:
    """Cancel an order, for its own shopper or (`by` "staff") for staff; the order's id. Writes; the caller commits.

    Whoever works on it hits no row any more. Cancelling again changes nothing. Raises NotFound, NotCancellable.
    Records `order.cancelled`; `order.payment_voided` or `order.refunded` follow when the money is free.
    """
    order = db.row(_LOCK, number=number)
    if order is None or not viewer.may_see(order.id, order.user_id):
        raise NotFound("order")
    found: UUID = order.id
    if order.status == "cancelled":
        return found
    if not cancellable(order.status, order.fulfilment_status):
        raise NotCancellable(f"The order is {order.status} and {order.fulfilment_status}; ask for a return instead.")
    let_go(order.id)
    payment_status, tasks = _begin_undoing(order)
    taken = payments.taken(order.id)
    counted = order.confirmed_at is not None
    move(
        order.id,
        Move(
            (order.status, order.payment_status),
            "cancelled",
            payment_status,
            [Fact("order.cancelled", {"by": by}, consumers=TOLD)],
            tasks=tasks,
            spent_minor=(taken.refunded_minor if taken else 0) - order.total_minor if counted else 0,
            orders=-1 if counted else 0,
        ),
        request_id=request_id,
    )
    return found


def _begin_undoing(order: Any) -> tuple[str, list[TaskHint]]:
    """Begin the way back of the money, where there may be any: the payment status for now, and the hint."""
    taken = payments.taken(order.id)
    if order.payment_status in ("captured", "partially_refunded"):
        if taken is None:
            return "refunded", []  # no card paid for it
        if taken.left_minor:
            payments.ask_refund(order.id, taken.round, taken.left_minor, None)
        return order.payment_status, [_hint(order, "refund")]
    if payments.attempt_of(order.id, order.payment_round, "authorize") is None:
        steps.end(order.id)
        return "voided", []
    if order.payment_status in ("failed", "refunded"):
        return "voided" if order.payment_status == "failed" else "refunded", []
    return order.payment_status, [_hint(order, "void")]


def _hint(order: Any, step: str) -> TaskHint:
    queue = steps.start(order.id, step, _CALL_SECONDS if order.worked_on and order.step == "authorize" else 0.0)
    return TaskHint("orders.process", queue, (str(order.id),))
