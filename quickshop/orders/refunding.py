"""Refunds by staff: a part or all of what was paid, by amount or by line, while the order goes on."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from quickshop.kernel import db
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.money import Money
from quickshop.orders import refunds
from quickshop.orders.giving_back import by_position
from quickshop.orders.refunds import Back, Given

_FIND = "SELECT id, currency FROM orders WHERE number = :number"


def refund(
    number: str,
    amount: Money | None,
    reason: str | None,
    request_id: str | None,
    *,
    lines: Mapping[int, int] | None = None,
    shipping: Money | None = None,
    to: str = refunds.ORIGINAL,
) -> Given:
    """Give money back: `amount` for nothing in particular, or units by the place of their line, and shipping.

    Writes; the caller commits. `reason` is for staff, never about a person. Raises NotFound, Invalid (another currency,
    or no amount), NotRefundable with what is left where that is less. Records as `refunds.give_back`.
    """
    order = db.row(_FIND, number=number)
    if order is None:
        raise NotFound("order")
    for name, wanted in (("amount", amount), ("shipping", shipping)):
        if wanted is not None and (wanted.currency != order.currency or wanted.amount <= 0):
            raise Invalid({name: [f"An amount above zero in {order.currency}."]})
    return refunds.give_back(
        order.id,
        "goodwill",
        "staff",
        lines=_lines(order.id, lines or {}),
        shipping_minor=shipping.amount if shipping else 0,
        amount_minor=amount.amount if amount else None,
        to=to,
        reason=reason,
        request_id=request_id,
    )


def _lines(order_id: UUID, wanted: Mapping[int, int]) -> dict[UUID, Back]:
    if not wanted:
        return {}
    found = db.rows("SELECT id, position FROM order_lines WHERE order_id = :id", id=order_id)
    units = by_position(wanted, {row.position + 1: row.id for row in found})
    return {line_id: Back(quantity) for line_id, quantity in units.items()}
