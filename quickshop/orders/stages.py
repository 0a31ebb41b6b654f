"""The stages of orders as staff see them: what was passed, how long it took and how often it was tried, what waits
now, why, and since when. Reads only.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from quickshop.kernel import db
from quickshop.kernel.clock import rfc3339
from quickshop.kernel.errors import NotFound
from quickshop.kernel.pagination import decode_cursor, encode_cursor
from quickshop.orders.replaying import GIVEN_UP

HOLD = "hold"

# Why an order waits, in the order in which the reasons are asked for.
_WHY = """CASE WHEN p.stopped_why IS NOT NULL AND (p.step = 'done' OR o.status = 'on_hold') THEN p.stopped_why
    WHEN p.lease_until > now() THEN 'in_work'
    WHEN o.payment_status = 'requires_action' THEN 'shopper_must_act'
    WHEN p.next_run_at > now() AND p.last_error IS NOT NULL THEN 'next_try'
    WHEN p.next_run_at > now() THEN 'not_due'
    ELSE 'for_a_worker' END"""
_STAGE = f"CASE WHEN p.step = 'done' OR o.status = 'on_hold' THEN '{HOLD}' ELSE p.step END"
_SINCE = f"CASE WHEN {_STAGE} = '{HOLD}' THEN p.stopped_at ELSE p.entered_at END"
_WAITING = f"""
SELECT p.order_id, o.number, o.status, o.payment_status, o.priority, o.priority_reason, p.queue, {_STAGE} AS stage,
       {_WHY} AS reason, {_SINCE} AS since, p.tries, p.next_run_at, p.last_error, p.retries
FROM order_processing p JOIN orders o ON o.id = p.order_id
WHERE (p.step <> 'done' OR p.stopped_at IS NOT NULL)
"""


def waiting(
    *,
    priority: str | None = None,
    stage: str | None = None,
    limit: int = 24,
    cursor: str | None = None,
) -> dict[str, Any]:
    """A page of the orders on which something is still to be done, longest first: {items, next_cursor}."""
    values: dict[str, Any] = {"limit": limit + 1}
    parts = ["true"]
    for name, value in (("priority", priority), ("stage", stage)):
        if value is not None:
            parts.append(f"w.{name} = :{name}")
            values[name] = value
    if cursor:
        since, last = decode_cursor(cursor, str, str)
        parts.append("(w.since, w.order_id) > (CAST(:since AS timestamptz), CAST(:last AS uuid))")
        values |= {"since": since, "last": last}
    where = " AND ".join(parts)
    found = db.rows(f"SELECT * FROM ({_WAITING}) w WHERE {where} ORDER BY w.since, w.order_id LIMIT :limit", **values)
    return _page(found, limit, "since", _waiting)


def summary() -> list[dict[str, Any]]:
    """How many orders wait by class, stage and reason, and since when the first: the classes in their order."""
    found = db.rows(
        f"""
        SELECT priority, stage, reason, count(*)::int AS orders, min(since) AS since, max(tries)::int AS tries
        FROM ({_WAITING}) w GROUP BY priority, stage, reason
        ORDER BY array_position(ARRAY['vip', 'high', 'standard'], priority), stage, reason
        """
    )
    return [
        {
            "priority": r.priority,
            "stage": r.stage,
            "reason": r.reason,
            "orders": r.orders,
            "since": rfc3339(r.since),
            "most_attempts": r.tries,
        }
        for r in found
    ]


_FAILED = """
SELECT p.order_id, o.number, o.status, o.payment_status, o.priority, o.priority_reason, p.stopped_why, p.stopped_at,
       coalesce(s.stage, 'authorize') AS stage, coalesce(s.attempts, 0) AS attempts,
       coalesce(s.error, p.last_error) AS error, coalesce(s.retries, '[]') AS retries, s.entered_at
FROM order_processing p JOIN orders o ON o.id = p.order_id
LEFT JOIN LATERAL (
    SELECT * FROM order_stages WHERE order_id = p.order_id AND outcome = 'gave_up' ORDER BY position DESC LIMIT 1
) s ON true
WHERE p.stopped_at IS NOT NULL AND p.stopped_why = ANY(:why) {after}
ORDER BY p.stopped_at, p.order_id LIMIT :limit
"""


def failed(*, limit: int = 24, cursor: str | None = None) -> dict[str, Any]:
    """A page of the work that was given up, longest first: {items, next_cursor}."""
    values: dict[str, Any] = {"limit": limit + 1, "why": list(GIVEN_UP)}
    if cursor:
        at, last = decode_cursor(cursor, str, str)
        values |= {"at": at, "last": last}
    after = "AND (p.stopped_at, p.order_id) > (CAST(:at AS timestamptz), CAST(:last AS uuid))" if cursor else ""
    return _page(db.rows(_FAILED.format(after=after), **values), limit, "stopped_at", _failed)


def _page(found: list[Any], limit: int, by: str, document: Any) -> dict[str, Any]:
    shown = found[:limit]
    more = len(found) > limit
    following = encode_cursor(getattr(shown[-1], by).isoformat(), str(shown[-1].order_id)) if more else None
    return {"items": [document(row) for row in shown], "next_cursor": following}


def order_stages(number: str) -> dict[str, Any]:
    """The stages that an order has passed, and the one in which it stands: {items, present}. Raises NotFound."""
    order = db.row("SELECT id FROM orders WHERE number = :number", number=number)
    if order is None:
        raise NotFound("order")
    passed = db.rows("SELECT * FROM order_stages WHERE order_id = :id ORDER BY position", id=order.id)
    present = db.row(f"{_WAITING} AND p.order_id = :id", id=order.id)
    return {"items": [_passed(row) for row in passed], "present": _waiting(present) if present else None}


def _passed(row: Any) -> dict[str, Any]:
    return {
        "position": row.position,
        "stage": row.stage,
        "entered_at": rfc3339(row.entered_at),
        "started_at": row.started_at and rfc3339(row.started_at),
        "ended_at": rfc3339(row.ended_at),
        "waited_ms": _milliseconds(row.entered_at, row.started_at or row.ended_at),
        "worked_ms": _milliseconds(row.started_at, row.ended_at) if row.started_at else 0,
        "attempts": row.attempts,
        "outcome": row.outcome,
        "error_class": error_class(row.error),
        "wait_reason": row.wait_reason,
        "retries": [_retry(each) for each in row.retries],
    }


def _waiting(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.order_id),
        "number": row.number,
        "status": row.status,
        "payment_status": row.payment_status,
        "priority": row.priority,
        "priority_reason": row.priority_reason,
        "queue": row.queue,
        "stage": row.stage,
        "reason": row.reason,
        "since": rfc3339(row.since),
        "attempts": row.tries,
        "next_try_at": rfc3339(row.next_run_at) if row.next_run_at and row.stage != HOLD else None,
        "error_class": error_class(row.last_error),
        "retries": [_retry(each) for each in row.retries],
    }


def _failed(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.order_id),
        "kind": "order",
        "number": row.number,
        "status": row.status,
        "payment_status": row.payment_status,
        "priority": row.priority,
        "priority_reason": row.priority_reason,
        "stage": row.stage,
        "reason": row.stopped_why,
        "error_class": error_class(row.error),
        "attempts": row.attempts,
        "retries": [_retry(each) for each in row.retries],
        "entered_at": row.entered_at and rfc3339(row.entered_at),
        "failed_at": rfc3339(row.stopped_at),
    }


def _retry(entry: dict[str, Any]) -> dict[str, Any]:
    return {"at": rfc3339(datetime.fromisoformat(entry["at"])), "error_class": error_class(entry["error"])}


def error_class(error: str | None) -> str | None:
    """The kind of an error: what stands before its colon. The rest may quote what it was about, and is for the log."""
    return error.split(":", 1)[0] if error else None


def _milliseconds(begin: datetime, end: datetime) -> int:
    return max(0, round((end - begin).total_seconds() * 1000))
