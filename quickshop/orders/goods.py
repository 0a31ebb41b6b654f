"""The goods of an order under its lock: its lines, its parcels, and the fulfilment status that both make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from quickshop.kernel import db
from quickshop.kernel.errors import NotFound
from quickshop.kernel.events import Fact
from quickshop.kernel.outbox import TaskHint
from quickshop.orders import progress
from quickshop.orders.errors import NotShippable
from quickshop.orders.log import Goods, Move, move
from quickshop.orders.progress import Line
from quickshop.orders.states import FulfilmentStatus as F

SENT = ("in_transit", "out_for_delivery", "exception", "delivered")
PACKED = ("packed", "label", *SENT)

# Locks as a worker does: the work, then the order.
_LOCK = """
SELECT o.id, o.number, o.user_id, o.person_id, o.status, o.payment_status, o.fulfilment_status, o.hold_reason,
       o.currency, o.request_id, o.packing_at, o.shipping_method, o.placed_at, o.confirmed_at,
       coalesce(o.expected_from, o.deliver_from) AS told_from, coalesce(o.expected_to, o.deliver_to) AS told_to
FROM order_processing p JOIN orders o ON o.id = p.order_id WHERE {which} FOR UPDATE
"""


@dataclass(frozen=True)
class OrderGoods:
    """A locked order with its lines and parcels as they are now."""

    order: Any
    lines: list[Line]
    parcels: list[Any]

    @property
    def packed(self) -> bool:
        """Whether anything is in a parcel."""
        return any(p.state in PACKED for p in self.parcels)

    @property
    def status(self) -> str:
        """The fulfilment status that lines and parcels make."""
        return fulfilment_of(self.lines, [p.state for p in self.parcels])


def fulfilment_of(lines: Sequence[Line], parcels: Sequence[str]) -> str:
    """What becomes of an order's fulfilment from its units and the states of its parcels. Pure."""
    coming, shipped = sum(line.coming for line in lines), sum(line.shipped for line in lines)
    delivered, returned = sum(line.delivered for line in lines), sum(line.returned for line in lines)
    if not shipped:
        return F.UNFULFILLED
    if shipped < coming:
        return F.PARTIALLY_SHIPPED
    if delivered < coming:
        moving = [state for state in parcels if state in SENT and state != "delivered"]
        return F.OUT_FOR_DELIVERY if moving and set(moving) == {"out_for_delivery"} else F.SHIPPED
    if not returned:
        return F.DELIVERED
    return F.RETURNED if returned == coming else F.PARTIALLY_RETURNED


def lock(number: str) -> Any:
    """An order's row, locked. Raises NotFound."""
    return _found(db.row(_LOCK.format(which="o.number = :key"), key=number))


def lock_id(order_id: UUID) -> Any:
    """An order's row, locked. Raises NotFound."""
    return _found(db.row(_LOCK.format(which="o.id = :key"), key=order_id))


def _found(order: Any) -> Any:
    if order is None:
        raise NotFound("order")
    return order


def look(order: Any) -> OrderGoods:
    """The goods of a locked order; the rows beside its lines are made where they are missing."""
    progress.ensure(order.id)
    parcels = db.rows(
        "SELECT id, number, carrier, state, deliver_from, deliver_to, shipped_at FROM parcels WHERE order_id = :id"
        " ORDER BY number",
        id=order.id,
    )
    return OrderGoods(order, progress.lines(order.id), parcels)


def demand_paid(order: Any) -> None:
    """Only what was paid leaves the house. Raises NotShippable."""
    if order.status not in ("confirmed", "completed"):
        raise NotShippable(f"The order is {order.status.replace('_', ' ')}.")


def tell(
    order: Any,
    facts: Sequence[Fact],
    *,
    expected: tuple[date, date] | None = None,
    request_id: str | None = None,
    tasks: Sequence[TaskHint] = (),
) -> str:
    """Write what the order has become, after its lines or parcels changed; the fulfilment status then.

    An order of which everything arrived is completed in the same move.
    """
    found = look(order)
    status, told = order.status, list(facts)
    arrived = found.status in (F.DELIVERED, F.PARTIALLY_RETURNED, F.RETURNED)
    if arrived and status == "confirmed":
        status = "completed"
        told.append(Fact("order.completed"))
    move(
        order.id,
        Move(
            (order.status, order.payment_status),
            status,
            order.payment_status,
            told,
            hold_reason=order.hold_reason,
            tasks=tasks,
            goods=Goods(order.fulfilment_status, found.status, found.packed, expected),
        ),
        request_id=request_id or order.request_id,
    )
    return found.status
