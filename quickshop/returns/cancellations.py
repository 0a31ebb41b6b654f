"""Cancelling for shoppers: at once while nothing is packed; after that a wish that staff grant or refuse."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from quickshop.kernel import db
from quickshop.kernel.clock import rfc3339
from quickshop.kernel.errors import NotFound
from quickshop.kernel.events import Fact
from quickshop.kernel.ids import new_id
from quickshop.kernel.pagination import decode_id, page
from quickshop.kernel.states import WrongState
from quickshop.orders import cancelling, packing
from quickshop.orders.errors import NotCancellable
from quickshop.orders.viewers import Viewer
from quickshop.returns import locking

PAGE = 24
STAFF = Viewer(staff=True)


def cancel(number: str, viewer: Viewer, request_id: str | None) -> UUID:
    """Cancel an own order, or ask staff to where it is packed and nothing of it has left; the order's id.

    Asking again changes nothing. Raises NotFound, NotCancellable (something of it is on its way: ask for a return).
    Records `order.cancelled` or `order.cancellation_requested`.
    """
    order = locking.order_by_number(number)
    if not viewer.may_see(order.id, order.user_id):
        raise NotFound("order")
    if not may_ask(order.status, order.fulfilment_status, order.packing_at):
        return cancelling.cancel(number, viewer, request_id)
    if db.scalar("SELECT 1 FROM cancellation_requests WHERE order_id = :id AND state = 'requested'", id=order.id):
        return UUID(str(order.id))
    db.run("INSERT INTO cancellation_requests (id, order_id) VALUES (:id, :order)", id=new_id(), order=order.id)
    locking.tell(order.id, Fact("order.cancellation_requested"), request_id)
    return UUID(str(order.id))


def may_ask(status: str, fulfilment_status: str, packing_at: object) -> bool:
    """Whether a cancellation may still be asked for: packed, and all of it in the house."""
    return status == "confirmed" and packing_at is not None and fulfilment_status == "unfulfilled"


def grant(asked_id: UUID, by: UUID | None, request_id: str | None) -> str:
    """Unpack an order and cancel it, as its shopper wished; its number. Again changes nothing.

    Raises NotFound, WrongState where it was refused, NotCancellable where something of it left meanwhile. Records
    `order.cancelled`.
    """
    asked, order = _asked(asked_id)
    if asked.state == "granted":
        return str(order.number)
    _decide(asked, "granted", None, by)
    if order.status == "cancelled":
        return str(order.number)
    if order.fulfilment_status != "unfulfilled":
        raise NotCancellable("Something of it has left the house: refuse the wish; the shopper can return it.")
    _unpack(order.id, request_id)
    cancelling.cancel(order.number, STAFF, request_id, by="staff")
    return str(order.number)


def _unpack(order_id: UUID, request_id: str | None) -> None:
    parcels = db.rows(
        "SELECT id FROM parcels WHERE order_id = :id AND state IN ('packed', 'label') ORDER BY number", id=order_id
    )
    for parcel in parcels:
        packing.unpack(parcel.id, request_id)


def refuse(asked_id: UUID, answer: str, by: UUID | None, request_id: str | None) -> str:
    """Refuse a wish to cancel, with words for the shopper, never about a person; the order's number.

    Raises NotFound, WrongState. Records `order.cancellation_refused`.
    """
    asked, order = _asked(asked_id)
    _decide(asked, "refused", answer, by)
    locking.tell(order.id, Fact("order.cancellation_refused"), request_id)
    return str(order.number)


def _asked(asked_id: UUID) -> tuple[Any, Any]:
    order_id = db.scalar("SELECT order_id FROM cancellation_requests WHERE id = :id", id=asked_id)
    if order_id is None:
        raise NotFound("request")
    order = locking.order_by_id(order_id)
    return db.run("SELECT * FROM cancellation_requests WHERE id = :id FOR UPDATE", id=asked_id).one(), order


def _decide(asked: Any, state: str, answer: str | None, by: UUID | None) -> None:
    if asked.state != "requested":
        raise WrongState("This was decided already.", state=asked.state)
    db.run(
        "UPDATE cancellation_requests SET state = :state, answer = :answer, decided_at = now(), decided_by = :by"
        " WHERE id = :id",
        state=state,
        answer=answer,
        by=by,
        id=asked.id,
    )


_REQUESTS = """
SELECT c.id, c.state, c.answer, c.requested_at, c.decided_at, o.number, o.status, o.fulfilment_status, o.packing_at
FROM cancellation_requests c JOIN orders o ON o.id = c.order_id
"""


def latest(number: str, viewer: Viewer) -> dict[str, Any] | None:
    """The last wish to cancel an order; None where there is none. Raises NotFound."""
    order = db.row("SELECT id, user_id FROM orders WHERE number = :n", n=number)
    if order is None or not viewer.may_see(order.id, order.user_id):
        raise NotFound("order")
    row = db.row(f"{_REQUESTS} WHERE c.order_id = :id ORDER BY c.requested_at DESC LIMIT 1", id=order.id)
    return _document(row) if row else None


def list_requests(state: str | None = None, limit: int = PAGE, cursor: str | None = None) -> dict[str, Any]:
    """Wishes to cancel, oldest first: {items, next_cursor}; of one state or all."""
    found = db.rows(
        f"{_REQUESTS} WHERE (CAST(:state AS text) IS NULL OR c.state = :state)"
        " AND (CAST(:after AS uuid) IS NULL OR c.id > :after) ORDER BY c.id LIMIT :limit",
        state=state,
        after=decode_id(cursor) if cursor else None,
        limit=limit + 1,
    )
    shown, following = page(found, limit, "id")
    return {"items": [_document(row) for row in shown], "next_cursor": following}


def request_by_id(asked_id: UUID) -> dict[str, Any]:
    """One wish. Raises NotFound."""
    row = db.row(f"{_REQUESTS} WHERE c.id = :id", id=asked_id)
    if row is None:
        raise NotFound("request")
    return _document(row)


def _document(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "order": row.number,
        "state": row.state,
        "answer": row.answer,
        "order_status": row.status,
        "fulfilment_status": row.fulfilment_status,
        "requested_at": rfc3339(row.requested_at),
        "decided_at": rfc3339(row.decided_at),
    }
