"""Parcels as their shopper and staff see them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from quickshop.accounts.people import person_key
from quickshop.kernel import db
from quickshop.kernel.clock import rfc3339
from quickshop.kernel.errors import NotFound
from quickshop.orders.sending import tracking_place

_PARCELS = """
SELECT p.id, p.number, p.carrier, p.state, p.tracking, p.label IS NOT NULL AS has_label, p.deliver_from, p.deliver_to,
       p.exception_code, p.send_at, p.last_error, p.packed_at, p.shipped_at, p.delivered_at,
       o.person_id, o.number AS order_number, per.key_id, per.wrapped_key,
       (SELECT jsonb_agg(jsonb_build_object('line', l.position + 1, 'sku', l.sku, 'name', l.name,
                'quantity', x.quantity) ORDER BY l.position)
        FROM parcel_lines x JOIN order_lines l ON l.id = x.line_id WHERE x.parcel_id = p.id) AS items,
       (SELECT jsonb_agg(jsonb_build_object('state', e.state, 'code', e.code, 'at', e.at) ORDER BY e.at, e.noted_at)
        FROM parcel_events e WHERE e.parcel_id = p.id AND e.taken) AS events
FROM parcels p JOIN orders o ON o.id = p.order_id JOIN persons per ON per.id = o.person_id
WHERE {which} ORDER BY p.number
"""


def parcels_of(order_id: UUID, *, staff: bool = False) -> list[dict[str, Any]]:
    """The parcels of an order in their order; staff see more of them, and also those that were taken apart again."""
    found = db.rows(_PARCELS.format(which="p.order_id = :id"), id=order_id)
    if staff:
        return [_document(row) | _for_staff(row) for row in found]
    return [_document(row) for row in found if row.state != "cancelled"]


def parcel(parcel_id: UUID) -> dict[str, Any]:
    """One parcel as staff see it. Raises NotFound."""
    row = db.row(_PARCELS.format(which="p.id = :id"), id=parcel_id)
    if row is None:
        raise NotFound("parcel")
    return _document(row) | _for_staff(row)


def _for_staff(row: Any) -> dict[str, Any]:
    return {"order": row.order_number, "waits_for_carrier": row.send_at is not None, "last_error": row.last_error}


def _document(row: Any) -> dict[str, Any]:
    tracking = None
    if row.tracking is not None and row.wrapped_key is not None:
        tracking = person_key(row.person_id, row.key_id, row.wrapped_key).unseal(row.tracking, tracking_place(row.id))
    window = {"from": row.deliver_from.isoformat(), "to": row.deliver_to.isoformat()} if row.deliver_to else None
    return {
        "id": str(row.id),
        "number": row.number,
        "state": row.state,
        "carrier": row.carrier,
        "tracking_number": tracking["number"] if tracking else None,
        "tracking_url": tracking["url"] if tracking else None,
        "has_label": row.has_label,
        "exception": row.exception_code,
        "estimated_delivery": window,
        "items": row.items or [],
        "packed_at": rfc3339(row.packed_at),
        "shipped_at": rfc3339(row.shipped_at),
        "delivered_at": rfc3339(row.delivered_at),
        "events": [{**event, "at": rfc3339(datetime.fromisoformat(event["at"]))} for event in row.events or ()],
    }
