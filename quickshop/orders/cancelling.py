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
from quickshop.orders import refunds, steps
from quickshop.orders.errors import NotCancellable
from quickshop.orders.freeing import let_go
from quickshop.orders.log import Move, move
from quickshop.orders.refunds import Given
from quickshop.orders.steps import TOLD
from quickshop.orders.viewers import Viewer
from quickshop.payments import service as payments

CANCELLABLE = ("placed", "processing", "on_hold", "payment_failed", "confirmed")
# A call to the gateway that is under way now is over by then, and the first look tells of it.
_CALL_SECONDS = 8.0

# Locks as a worker does: the work, then the order.
_LOCK = """
SELECT o.id, o.number, o.user_id, o.status, o.payment_status, o.fulfilment_status, o.payment_round, o.total_minor,
       o.confirmed_at, o.packing_at, o.currency, p.step, p.lease_until > now() AS worked_on
FROM order_processing p JOIN orders o ON o.id = p.order_id WHERE o.number = :number FOR UPDATE
"""


def cancellable(status: str, fulfilment_status: str, packing_at: object) -> bool:
    """Whether an order may be cancelled as it stands: nothing of it has been packed or sent."""
    return status in CANCELLABLE and fulfilment_status == "unfulfilled" and packing_at is None


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
    if not cancellable(order.status, order.fulfilment_status, order.packing_at):
        raise NotCancellable(f"The order is {order.status} and {_told(order)}; ask for a return instead.")
    paid = order.payment_status in refunds.PAID
    given = refunds.all_left(order, by) if paid else None
    let_go(order.id, (given.credit_minor if given else 0) if paid else None)
    if order.status == "on_hold":
        steps.waited(order.id, "cancelled")
    gone = _counted_off(order, given)
    payment_status, tasks = _begin_undoing(order, given)
    counted = order.confirmed_at is not None
    move(
        order.id,
        Move(
            (order.status, order.payment_status),
            "cancelled",
            payment_status,
            [Fact("order.cancelled", {"by": by} | ({"refund": given.number} if given else {}), consumers=TOLD)],
            tasks=tasks,
            spent_minor=-gone if counted else 0,
            orders=-1 if counted else 0,
        ),
        request_id=request_id,
    )
    return found


def _told(order: Any) -> str:
    packed = order.packing_at is not None and order.fulfilment_status == "unfulfilled"
    return "packed" if packed else str(order.fulfilment_status)


def _counted_off(order: Any, given: Given | None) -> int:
    """What comes off the member's spend: all but what refunds took off it before. Those on their way take nothing."""
    taken = payments.taken(order.id)
    before = order.total_minor - (given.amount_minor if given else 0) - (taken.refunding_minor if taken else 0)
    return int(order.total_minor - (before if order.payment_status in refunds.PAID else 0))


def _begin_undoing(order: Any, given: Given | None) -> tuple[str, list[TaskHint]]:
    """Begin the way back of the money, where there may be any: the payment status for now, and the hint."""
    taken = payments.taken(order.id)
    if order.payment_status in refunds.PAID:
        if taken is None:
            return "refunded", []  # no card paid for it
        asked = min(given.card_minor if given else 0, taken.left_minor)
        if asked:
            payments.ask_refund(order.id, taken.round, asked, None)
        if order.payment_status == "refunded":
            return "refunded", []
        return order.payment_status, [_hint(order, "refund")]
    if payments.attempt_of(order.id, order.payment_round, "authorize") is None:
        steps.end(order.id)
        return "voided", []
    if order.payment_status == "failed":
        return "voided", []
    return order.payment_status, [_hint(order, "void")]


def _hint(order: Any, step: str) -> TaskHint:
    queue = steps.start(order.id, step, _CALL_SECONDS if order.worked_on and order.step == "authorize" else 0.0)
    return TaskHint("orders.process", queue, (str(order.id),))
