"""Turning facts into events in one order, and into a delivery for each endpoint that wants them.

One worker at a time numbers events, under an advisory lock, so that `seq` counts 1, 2, 3 … in the order in which they
can be read: whoever has read up to a number will not find anything below it later. Facts of one order come in the
order of its log.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from quickshop.kernel import clock, db, facts
from quickshop.kernel.ids import new_id
from quickshop.kernel.outbox import dump
from quickshop.webhooks.rules import EVERYTHING

CONSUMER = "webhooks"
KEPT_DAYS = 30
_PRUNED_AT_ONCE = 5000

# Whether endpoint `e` wants event `ev`; what is sent for a test goes to the one it is made for alone.
WANTED = (
    f"ev.type NOT LIKE 'webhook.%' AND ('{EVERYTHING}' = ANY(e.events) OR ev.type = ANY(e.events)"
    " OR split_part(ev.type, '.', 1) || '.*' = ANY(e.events))"
)

_LOCK = "SELECT pg_advisory_xact_lock(hashtext('quickshop.webhook_events'))"

_NOTE = """
WITH fresh AS MATERIALIZED (
    SELECT x.* FROM jsonb_to_recordset(CAST(:events AS jsonb))
        AS x (k int, id uuid, source text, type text, at timestamptz, data jsonb)
    WHERE NOT EXISTS (SELECT FROM webhook_events e WHERE e.source = x.source)
), ev AS (
    INSERT INTO webhook_events (seq, id, source, type, at, data)
    SELECT (SELECT coalesce(max(seq), 0) FROM webhook_events) + row_number() OVER (ORDER BY k),
           id, source, type, at, data
    FROM fresh RETURNING seq, type
)"""

_FOR_ALL = f"""{_NOTE}
INSERT INTO webhook_deliveries (id, endpoint_id, event_seq)
SELECT gen_random_uuid(), e.id, ev.seq FROM ev JOIN webhook_endpoints e ON e.state = 'active' AND {WANTED}
ORDER BY ev.seq
"""

_FOR_ONE = f"""{_NOTE}
INSERT INTO webhook_deliveries (id, endpoint_id, event_seq) SELECT :delivery, :endpoint, seq FROM ev
"""

_ENTRIES = """
SELECT e.order_id, e.seq, e.type, e.at, e.data
FROM jsonb_to_recordset(CAST(:wanted AS jsonb)) AS w (order_id uuid, seq bigint)
JOIN order_events e ON e.order_id = w.order_id AND e.seq = w.seq
"""


def note(limit: int) -> int:
    """Take up to `limit` facts and make events and deliveries of them; how many facts. Writes; the caller commits."""
    db.run(_LOCK)
    taken = facts.take(CONSUMER, limit)
    events = _of_orders([f for f in taken if "order_id" in f.data]) | {
        f.id: _event(f"fact:{f.id}", f.type, f.created_at, f.data) for f in taken if "order_id" not in f.data
    }
    if events:
        db.run(_FOR_ALL, events=dump([{"k": k, **events[k]} for k in sorted(events)]))
    return len(taken)


def _of_orders(taken: Sequence[Any]) -> dict[int, dict[str, Any]]:
    """Events of entries of orders' logs, by the fact that told of them."""
    if not taken:
        return {}
    found = {(str(r.order_id), r.seq): r for r in db.rows(_ENTRIES, wanted=dump([f.data for f in taken]))}
    events = {}
    for fact in taken:
        entry = found.pop((fact.data["order_id"], fact.data["seq"]), None)  # a fact that came twice is one event
        if entry is not None:
            data = {**entry.data, "order_seq": entry.seq}
            events[fact.id] = _event(f"{entry.order_id}:{entry.seq}", entry.type, entry.at, data)
    return events


def _event(source: str, type_: str, at: datetime, data: dict[str, Any]) -> dict[str, Any]:
    return {"id": str(new_id()), "source": source, "type": type_, "at": clock.rfc3339(at), "data": data}


def note_for(endpoint_id: UUID, type_: str, data: dict[str, Any], at: datetime) -> UUID:
    """Make an event for one endpoint alone; its delivery's id. Writes; the caller commits."""
    delivery = new_id()
    db.run(_LOCK)
    event = {"k": 1, **_event(f"made:{delivery}", type_, at, data)}
    db.run(_FOR_ONE, events=dump([event]), delivery=delivery, endpoint=endpoint_id)
    return delivery


def prune() -> int:
    """Delete events older than 30 days with their deliveries, some at once; the last one stays, for its number."""
    return db.run(
        """
        WITH old AS MATERIALIZED (
            SELECT seq FROM webhook_events WHERE noted_at < now() - make_interval(days => :days)
              AND seq < (SELECT max(seq) FROM webhook_events)
            ORDER BY seq LIMIT :limit
        ), deliveries AS (
            DELETE FROM webhook_deliveries d USING old WHERE d.event_seq = old.seq
        )
        DELETE FROM webhook_events e USING old WHERE e.seq = old.seq
        """,
        days=KEPT_DAYS,
        limit=_PRUNED_AT_ONCE,
    ).rowcount
