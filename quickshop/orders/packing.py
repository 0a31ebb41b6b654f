"""Packing: units of paid lines go into a parcel, or out of it again before it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from quickshop.kernel import db
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.events import Fact
from quickshop.kernel.ids import new_id
from quickshop.kernel.outbox import dump
from quickshop.orders import goods, progress
from quickshop.orders.errors import NotShippable
from quickshop.orders.giving_back import by_position
from quickshop.orders.goods import OrderGoods


def pack(number: str, wanted: Mapping[int, int] | None, request_id: str | None) -> UUID:
    """Put units into a new parcel, by the place of their line in the order, or all that is left; the parcel's id.

    Writes; the caller commits. From now on the order is cancelled only by agreement. Raises NotFound, NotShippable,
    Invalid. Records `order.packed`.
    """
    order = goods.lock(number)
    goods.demand_paid(order)
    found = goods.look(order)
    units = _units(found, wanted)
    parcel_id, place = new_id(), len(found.parcels) + 1
    db.run(
        """
        WITH made AS (
            INSERT INTO parcels (id, order_id, number) VALUES (:id, :order, :number) RETURNING id
        )
        INSERT INTO parcel_lines (parcel_id, line_id, quantity)
        SELECT made.id, u.line, u.quantity
        FROM made, jsonb_to_recordset(CAST(:units AS jsonb)) AS u (line uuid, quantity int)
        """,
        id=parcel_id,
        order=order.id,
        number=place,
        units=dump([{"line": str(line), "quantity": quantity} for line, quantity in units.items()]),
    )
    progress.change("packed", units)
    goods.tell(order, [Fact("order.packed", {"parcel": place})], request_id=request_id)
    return parcel_id


def _units(found: OrderGoods, wanted: Mapping[int, int] | None) -> dict[UUID, int]:
    left = {line.id: line.to_pack for line in found.lines if line.to_pack}
    if wanted is None:
        if not left:
            raise NotShippable("Everything of it is packed.")
        return left
    units = by_position(wanted, {line.position + 1: line.id for line in found.lines})
    if not units or any(not 0 < quantity <= left.get(line, 0) for line, quantity in units.items()):
        raise Invalid({"lines": ["Name lines of which so many units are still to be packed."]})
    return units


def lock_parcel(parcel_id: UUID) -> tuple[Any, Any]:
    """A parcel's row and its order's, locked in the order's way. Raises NotFound."""
    order_id = db.scalar("SELECT order_id FROM parcels WHERE id = :id", id=parcel_id)
    if order_id is None:
        raise NotFound("parcel")
    order = goods.lock_id(order_id)
    return db.run("SELECT * FROM parcels WHERE id = :id FOR UPDATE", id=parcel_id).one(), order


def units_of(parcel_id: UUID) -> dict[UUID, int]:
    """What is in a parcel: units by line."""
    found = db.rows("SELECT line_id, quantity FROM parcel_lines WHERE parcel_id = :id", id=parcel_id)
    return {row.line_id: row.quantity for row in found}


def unpack(parcel_id: UUID, request_id: str | None) -> None:
    """Take a parcel apart that has not left; again changes nothing. Writes; the caller commits.

    Where nothing else is packed the order can be cancelled by its shopper again. Raises NotFound, NotShippable.
    Records `order.unpacked`.
    """
    parcel, order = lock_parcel(parcel_id)
    if parcel.state == "cancelled":
        return
    if parcel.state not in ("packed", "label"):
        raise NotShippable(f"The parcel is {parcel.state.replace('_', ' ')}.")
    db.run("UPDATE parcels SET state = 'cancelled', send_at = NULL WHERE id = :id", id=parcel_id)
    progress.change("packed", {line: -quantity for line, quantity in units_of(parcel_id).items()})
    goods.tell(order, [Fact("order.unpacked", {"parcel": parcel.number})], request_id=request_id)
