"""A member's own orders, as they look for them: where they stand, when they were placed, what was in them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from quickshop.kernel import db
from quickshop.kernel.pagination import decode_cursor, encode_cursor
from quickshop.orders.queries import SUMMARY, summary_document

_ARRIVED = "('delivered', 'partially_returned', 'returned')"
# What a shopper calls the state of an order.
STATES: Mapping[str, str] = {
    "open": f"o.status NOT IN ('cancelled', 'completed') AND o.fulfilment_status NOT IN {_ARRIVED}",
    "delivered": f"o.fulfilment_status IN {_ARRIVED}",
    "returned": "o.fulfilment_status IN ('partially_returned', 'returned')",
    "cancelled": "o.status = 'cancelled'",
}
SHOWN_LINES = 3

# Days begin at midnight UTC.
_CONDITIONS = {
    "since": "o.placed_at >= CAST(:since AS timestamp) AT TIME ZONE 'UTC'",
    "until": "o.placed_at < CAST(:until AS timestamp) AT TIME ZONE 'UTC' + interval '1 day'",
    "words": "(o.number ILIKE :words OR EXISTS (SELECT FROM order_lines l WHERE l.order_id = o.id"
    " AND (l.name ILIKE :words OR l.sku ILIKE :words)))",
}
_LINES = """
SELECT order_id, jsonb_agg(jsonb_build_object('name', name, 'quantity', quantity) ORDER BY position)
    FILTER (WHERE position < :most) AS lines, count(*)::int AS n
FROM order_lines WHERE order_id = ANY(:ids) GROUP BY order_id
"""


def history(
    user_id: UUID,
    *,
    state: str | None = None,
    since: date | None = None,
    until: date | None = None,
    words: str | None = None,
    limit: int = 24,
    cursor: str | None = None,
) -> dict[str, Any]:
    """Summaries of a member's orders with their first lines, newest first: {items, next_cursor}.

    `state` is one of STATES, `since` and `until` are days, both counted in; `words` stand in the number, or in the name
    or SKU of something in it.
    """
    given = {"since": since, "until": until, "words": f"%{_plain(words)}%" if words else None}
    params: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    parts = ["o.user_id = :user_id", *(_CONDITIONS[name] for name in params)]
    if state:
        parts.append(STATES[state])
    if cursor:
        placed_at, last = decode_cursor(cursor, str, str)
        parts.append("(o.placed_at, o.id) < (CAST(:placed_at AS timestamptz), CAST(:last AS uuid))")
        params |= {"placed_at": placed_at, "last": last}
    found = db.rows(
        f"{SUMMARY} WHERE {' AND '.join(parts)} ORDER BY o.placed_at DESC, o.id DESC LIMIT :limit",
        user_id=user_id,
        **params,
        limit=limit + 1,
    )
    shown = found[:limit]
    following = encode_cursor(shown[-1].placed_at.isoformat(), str(shown[-1].id)) if len(found) > limit else None
    lines = {row.order_id: row for row in db.rows(_LINES, ids=[row.id for row in shown], most=SHOWN_LINES)}
    return {"items": [_entry(row, lines[row.id]) for row in shown], "next_cursor": following}


def _plain(words: str) -> str:
    """Words as they are, for LIKE."""
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _entry(row: Any, lines: Any) -> dict[str, Any]:
    return {**summary_document(row), "lines": lines.lines, "more_lines": max(0, lines.n - SHOWN_LINES)}
