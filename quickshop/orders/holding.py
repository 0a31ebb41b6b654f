"""Holding an order by staff, whatever is being done with it, and letting it go on from where it stood.

What was asked of the gateway before keeps its key, so nothing is asked twice; the stock stays the order's.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from quickshop.kernel import db
from quickshop.kernel.errors import NotFound
from quickshop.kernel.events import Fact
from quickshop.kernel.outbox import TaskHint
from quickshop.orders import steps
from quickshop.orders.errors import NotHoldable, NotWaiting
from quickshop.orders.log import Move, move
from quickshop.orders.states import HoldReason
from quickshop.orders.steps import TOLD
from quickshop.payments import service as payments

HOLDABLE = ("placed", "processing", "confirmed")

# Locks as a worker does: the work, then the order.
LOCK = """
SELECT o.id, o.number, o.status, o.payment_status, o.fulfilment_status, o.hold_reason, o.next_action, o.confirmed_at,
       o.payment_round, p.step, p.stopped_why, p.lease_until > now() AS worked_on
FROM order_processing p JOIN orders o ON o.id = p.order_id WHERE {which} FOR UPDATE
"""


def holdable(status: str, fulfilment_status: str) -> bool:
    """Whether staff may hold an order as it stands: something of it is still to be done here."""
    return status in HOLDABLE and fulfilment_status in ("unfulfilled", "partially_shipped")


def hold(number: str, request_id: str | None) -> UUID:
    """Stop all work on an order; its id. Again changes nothing. Writes; the caller commits.

    Whoever works on it hits no row any more; money that is being given back goes on. Raises NotFound, NotHoldable.
    Records `order.on_hold`.
    """
    order = _locked(number)
    found: UUID = order.id
    if order.hold_reason == HoldReason.STAFF:
        return found
    if not holdable(order.status, order.fulfilment_status):
        raise NotHoldable(f"The order is {order.status} and {order.fulfilment_status}.")
    if order.status != "confirmed":
        steps.end(order.id, "held")
    steps.wait_for_person(order.id, HoldReason.STAFF)
    told = Fact("order.on_hold", {"reason": str(HoldReason.STAFF)}, consumers=TOLD)
    held = Move(
        (order.status, order.payment_status),
        "on_hold",
        order.payment_status,
        [told],
        hold_reason=HoldReason.STAFF,
        next_action=order.next_action,
    )
    move(order.id, held, request_id=request_id)
    return found


def release(number: str, request_id: str | None) -> UUID:
    """Let an order go on that staff held; its id. Writes; the caller commits.

    Raises NotFound, NotWaiting (it is not on hold, or for another reason: then the decision on that is asked for).
    Records `order.released`.
    """
    order = _locked(number)
    if order.status != "on_hold" or order.hold_reason != HoldReason.STAFF:
        why = f"on hold for {order.hold_reason}" if order.status == "on_hold" else order.status
        raise NotWaiting(f"The order is {why}; staff do not hold it.")
    go_on(order, "released", request_id)
    found: UUID = order.id
    return found


def go_on(order: Any, outcome: str, request_id: str | None) -> None:
    """Take an order on hold (a row of LOCK) back to where it stood, and its work up again. Records `order.released`."""
    steps.waited(order.id, outcome)
    tasks = []
    if order.confirmed_at is not None:
        status = "confirmed"
    else:
        status = "processing" if _was_begun(order) else "placed"
        queue = steps.start(order.id, "capture" if order.payment_status == "authorized" else "authorize")
        tasks = [TaskHint("orders.process", queue, (str(order.id),))]
    again = Move(
        ("on_hold", order.payment_status),
        status,
        order.payment_status,
        [Fact("order.released", {"by": "staff"}, consumers=TOLD)],
        next_action=order.next_action,
        tasks=tasks,
    )
    move(order.id, again, request_id=request_id)


def _was_begun(order: Any) -> bool:
    """Whether anything was asked for the order: then it was looked at for its risk, too."""
    if order.payment_round > 1 or order.payment_status != "pending":
        return True
    return payments.attempt_of(order.id, order.payment_round, "authorize") is not None


def _locked(number: str) -> Any:
    order = db.row(LOCK.format(which="o.number = :number"), number=number)
    if order is None:
        raise NotFound("order")
    return order
