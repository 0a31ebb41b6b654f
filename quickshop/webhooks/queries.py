"""What staff and integrators read of webhooks: endpoints, deliveries with their attempts, and the log of events."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from quickshop.kernel import db
from quickshop.kernel.clock import rfc3339
from quickshop.kernel.errors import NotFound
from quickshop.kernel.pagination import decode_cursor, page
from quickshop.webhooks.rules import OPENS_AFTER

STATES = ("pending", "delivered", "given_up")

_ENDPOINTS = """
SELECT e.id, e.name, e.url, e.events, e.state, e.failures, e.failing_since, e.open_until, e.version, e.created_at,
       CASE WHEN e.previous_until > now() THEN e.previous_until END AS previous_until,
       e.open_until > now() AS open,
       (SELECT count(*) FROM webhook_deliveries d WHERE d.endpoint_id = e.id AND d.state = 'pending') AS waiting
FROM webhook_endpoints e
"""


def _endpoint(r: Any) -> dict[str, Any]:
    opened = r.failures >= OPENS_AFTER
    breaker = "closed" if not opened else "open" if r.open else "trying"
    return {
        "id": str(r.id),
        "name": r.name,
        "url": r.url,
        "events": list(r.events),
        "state": r.state,
        "breaker": {
            "state": breaker,
            "failures": r.failures,
            "failing_since": rfc3339(r.failing_since),
            "tried_again_at": rfc3339(r.open_until) if opened and r.open else None,
        },
        "waiting": r.waiting,
        "previous_secret_until": rfc3339(r.previous_until),
        "version": r.version,
        "created_at": rfc3339(r.created_at),
    }


def list_endpoints() -> list[dict[str, Any]]:
    """All endpoints, the newest first; there are 50 at most."""
    return [_endpoint(r) for r in db.rows(f"{_ENDPOINTS} ORDER BY e.id DESC")]


def get_endpoint(endpoint_id: UUID) -> dict[str, Any]:
    """One endpoint. Raises NotFound."""
    row = db.row(f"{_ENDPOINTS} WHERE e.id = :id", id=endpoint_id)
    if row is None:
        raise NotFound("webhook")
    return _endpoint(row)


_DELIVERIES = """
SELECT d.id, d.endpoint_id, d.state, d.attempts, d.next_run_at, d.created_at, d.ended_at, d.event_seq,
       ev.id AS event_id, ev.type, ev.at, ev.data, last.status, last.error, last.milliseconds, last.at AS tried_at
FROM webhook_deliveries d JOIN webhook_events ev ON ev.seq = d.event_seq
LEFT JOIN LATERAL (SELECT * FROM webhook_attempts a WHERE a.delivery_id = d.id ORDER BY a.id DESC LIMIT 1) last ON true
"""


def _event(r: Any) -> dict[str, Any]:
    return {"id": str(r.event_id), "seq": r.event_seq, "type": r.type, "timestamp": rfc3339(r.at), "data": r.data}


def _tried(r: Any, at: Any) -> dict[str, Any]:
    return {"at": rfc3339(at), "status": r.status, "error": r.error, "milliseconds": r.milliseconds}


def _delivery(r: Any) -> dict[str, Any]:
    return {
        "id": str(r.id),
        "webhook_id": str(r.endpoint_id),
        "event": _event(r),
        "state": r.state,
        "attempts": r.attempts,
        "next_attempt_at": rfc3339(r.next_run_at),
        "last_attempt": _tried(r, r.tried_at) if r.tried_at else None,
        "created_at": rfc3339(r.created_at),
        "ended_at": rfc3339(r.ended_at),
    }


def list_deliveries(
    endpoint_id: UUID, state: str | None = None, limit: int = 24, cursor: str | None = None
) -> dict[str, Any]:
    """A page of an endpoint's deliveries, the latest event first: {items, next_cursor}. Raises NotFound."""
    get_endpoint(endpoint_id)
    [before] = decode_cursor(cursor, int) if cursor else [None]
    found = db.rows(
        f"""{_DELIVERIES} WHERE d.endpoint_id = :id AND (CAST(:state AS text) IS NULL OR d.state = :state)
          AND (CAST(:before AS bigint) IS NULL OR d.event_seq < :before) ORDER BY d.event_seq DESC LIMIT :limit""",
        id=endpoint_id,
        state=state,
        before=before,
        limit=limit + 1,
    )
    shown, following = page(found, limit, "event_seq")
    return {"items": [_delivery(r) for r in shown], "next_cursor": following}


def get_delivery(delivery_id: UUID) -> dict[str, Any]:
    """One delivery with every attempt, the first one first. Raises NotFound."""
    row = db.row(f"{_DELIVERIES} WHERE d.id = :id", id=delivery_id)
    if row is None:
        raise NotFound("delivery")
    tried = db.rows(
        "SELECT at, status, error, milliseconds FROM webhook_attempts WHERE delivery_id = :id ORDER BY id",
        id=delivery_id,
    )
    return {**_delivery(row), "tried": [_tried(r, r.at) for r in tried]}


def list_events(after: int, limit: int = 100) -> list[dict[str, Any]]:
    """Events behind `after`, in their order, whoever was told of them; those of the last 30 days."""
    found = db.rows(
        "SELECT seq AS event_seq, id AS event_id, type, at, data FROM webhook_events"
        " WHERE seq > :after ORDER BY seq LIMIT :limit",
        after=after,
        limit=limit,
    )
    return [_event(r) for r in found]


def due() -> bool:
    """Whether a fact waits to be noted, or a delivery to be sent to somebody whom nobody sends to now."""
    return bool(
        db.scalar(
            """
            SELECT EXISTS (SELECT FROM pending_facts WHERE consumer = 'webhooks') OR EXISTS (
                SELECT FROM webhook_endpoints e JOIN webhook_deliveries d ON d.endpoint_id = e.id
                WHERE e.state = 'active' AND (e.lease_until IS NULL OR e.lease_until < now())
                  AND (e.open_until IS NULL OR e.open_until <= now()) AND d.state = 'pending' AND d.next_run_at <= now()
            )
            """
        )
    )
