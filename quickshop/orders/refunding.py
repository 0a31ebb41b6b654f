"""Refunds by staff: a part or all of what was taken, while the order goes on. Made by a worker (`undoing`)."""

from __future__ import annotations

from uuid import UUID

from quickshop.kernel import db
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.events import Fact
from quickshop.kernel.money import Money, money
from quickshop.kernel.outbox import TaskHint
from quickshop.orders import steps
from quickshop.orders.errors import NotRefundable
from quickshop.orders.log import Move, move
from quickshop.payments import service as payments

_LOCK = """
SELECT o.id, o.status, o.payment_status, o.hold_reason, p.step
FROM order_processing p JOIN orders o ON o.id = p.order_id WHERE o.number = :number FOR UPDATE
"""


def refund(number: str, amount: Money, reason: str | None, request_id: str | None) -> UUID:
    """Ask for a refund; the order's id. Writes; the caller commits.

    `reason` is for staff, never about a person. Raises NotFound, Invalid (another currency, or no amount),
    NotRefundable with what is left where that is less. Records `order.refund_requested`; `order.refunded` or
    `order.refund_failed` follow.
    """
    order = db.row(_LOCK, number=number)
    if order is None:
        raise NotFound("order")
    taken = payments.taken(order.id)
    if taken is None:
        raise NotRefundable("Nothing was taken from a card for this order.")
    if amount.currency != taken.currency or amount.amount <= 0:
        raise Invalid({"amount": [f"An amount above zero in {taken.currency}."]})
    if amount.amount > taken.left_minor:
        raise NotRefundable("Less than that is left.", left=money(taken.left_minor, taken.currency))
    payments.ask_refund(order.id, taken.round, amount.amount, reason)
    # Whoever makes refunds of this order now finds the new one behind the others.
    queue = None if order.step in ("refund", "void") else steps.start(order.id, "refund")
    was = (order.status, order.payment_status)
    asked = Fact("order.refund_requested", {"amount": money(amount.amount, amount.currency)})
    tasks = [TaskHint("orders.process", queue, (str(order.id),))] if queue else []
    told = Move(was, order.status, order.payment_status, [asked], hold_reason=order.hold_reason, tasks=tasks)
    move(order.id, told, request_id=request_id)
    found: UUID = order.id
    return found
