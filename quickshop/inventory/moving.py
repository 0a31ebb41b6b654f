"""What staff do to stock by hand: units that come, go or were counted wrongly, each with its cause. And the list."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from quickshop.inventory.errors import StockPromised
from quickshop.inventory.service import TELL
from quickshop.kernel import clock, db, facts
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.pagination import decode_cursor, page

# Of what may be noted by hand; what is sold is noted by orders alone.
CAUSES = ("received", "returned", "corrected", "damaged", "lost")
_SIGNS = {"received": 1, "returned": 1, "damaged": -1, "lost": -1}

# The row is locked before its numbers are read: the database's CHECKs are asked of what is true, beside any sale.
_LOCK = "SELECT on_hand, held FROM stock_items WHERE variant_id = :id FOR UPDATE"

_MOVE = (
    """
WITH raised AS (
    UPDATE stock_items SET on_hand = on_hand + :delta WHERE variant_id = :id
    RETURNING variant_id, CAST(:delta AS int) AS quantity, on_hand - held AS available
)"""
    + TELL
    + """
INSERT INTO stock_movements (variant_id, delta, cause, note) VALUES (:id, :delta, :cause, :note) RETURNING id
"""
)


def move(variant_id: UUID, delta: int, cause: str, note: str | None = None) -> int:
    """Add units (or take them, where negative) for a cause; the movement's id.

    What is promised to carts and orders stays: StockPromised where less would be left than that. Raises NotFound,
    Invalid for a delta that its cause does not allow.
    """
    if cause not in CAUSES or delta == 0 or delta * _SIGNS.get(cause, delta) < 0:
        raise Invalid({"delta": ["Units that arrive are above zero, what is damaged or lost below, no movement is 0."]})
    before = db.row(_LOCK, id=variant_id)
    if before is None:
        raise NotFound("variant")
    try:
        movement = int(db.scalar(_MOVE, id=variant_id, delta=delta, cause=cause, note=note or None))
    except IntegrityError as error:
        raise StockPromised(before.on_hand, before.held) from error
    facts.announce("stock.changed", {"variant_id": str(variant_id), "delta": delta, "cause": cause})
    return movement


def set_low_at(variant_id: UUID, low_at: int | None) -> None:
    """Say from how many units on staff are told of a variant; None: as the shop's setting says. Raises NotFound."""
    changed = db.run("UPDATE stock_items SET low_at = :low WHERE variant_id = :id", id=variant_id, low=low_at)
    if not changed.rowcount:
        raise NotFound("variant")


def stock_of(variant_id: UUID) -> dict[str, Any]:
    """Units of a variant: {on_hand, held, available, low_at}. Raises NotFound."""
    found = db.row("SELECT on_hand, held, low_at FROM stock_items WHERE variant_id = :id", id=variant_id)
    if found is None:
        raise NotFound("variant")
    return {**found._asdict(), "available": found.on_hand - found.held}


_LIST = """
SELECT m.id, m.variant_id, m.delta, m.cause, m.note, m.order_id, m.at, v.sku, v.options, p.id AS product_id, p.name
FROM stock_movements m JOIN variants v ON v.id = m.variant_id JOIN products p ON p.id = v.product_id
WHERE {conditions} ORDER BY m.id DESC LIMIT :limit
"""


def list_movements(
    *, variant_id: UUID | None = None, cause: str | None = None, limit: int = 24, cursor: str | None = None
) -> dict[str, Any]:
    """A page of movements, the latest first: {items, next_cursor}; of one variant, or for one cause."""
    conditions, values = ["true"], {}
    if variant_id:
        conditions.append("m.variant_id = :variant")
        values["variant"] = variant_id
    if cause:
        conditions.append("m.cause = :cause")
        values["cause"] = cause  # type: ignore[assignment]
    if cursor:
        [values["after"]] = decode_cursor(cursor, int)
        conditions.append("m.id < :after")
    found = db.rows(_LIST.format(conditions=" AND ".join(conditions)), limit=limit + 1, **values)
    shown, next_cursor = page(found, limit, "id")
    return {"items": [_movement(r) for r in shown], "next_cursor": next_cursor}


def _movement(r: Any) -> dict[str, Any]:
    return {
        "id": r.id,
        "variant_id": str(r.variant_id),
        "product_id": str(r.product_id),
        "sku": r.sku,
        "name": r.name,
        "options": r.options,
        "delta": r.delta,
        "cause": r.cause,
        "note": r.note,
        "order_id": str(r.order_id) if r.order_id else None,
        "at": clock.rfc3339(r.at),
    }
