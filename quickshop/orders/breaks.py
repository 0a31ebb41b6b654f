"""Breaks as staff see them: what does not add up between the provider's books, ours and the orders. Reads only."""

from __future__ import annotations

from typing import Any

from quickshop.kernel import db
from quickshop.kernel.clock import rfc3339
from quickshop.kernel.money import money
from quickshop.kernel.pagination import decode_cursor, encode_cursor

_LIST = """
SELECT b.*, o.number FROM payment_breaks b LEFT JOIN orders o ON o.id = b.order_id
WHERE {conditions} ORDER BY b.opened_at DESC, b.id DESC LIMIT :limit
"""


def list_breaks(*, state: str | None = None, limit: int = 24, cursor: str | None = None) -> dict[str, Any]:
    """A page of breaks, the newest first: {items, next_cursor, open}; `open` counts those that stand open."""
    conditions, values = ["true"], dict[str, Any]()
    if state:
        conditions.append("b.state = :state")
        values["state"] = state
    if cursor:
        opened_at, last = decode_cursor(cursor, str, str)
        conditions.append("(b.opened_at, b.id) < (CAST(:opened_at AS timestamptz), CAST(:last AS uuid))")
        values |= {"opened_at": opened_at, "last": last}
    found = db.rows(_LIST.format(conditions=" AND ".join(conditions)), limit=limit + 1, **values)
    shown = found[:limit]
    following = encode_cursor(shown[-1].opened_at.isoformat(), str(shown[-1].id)) if len(found) > limit else None
    return {"items": [_document(r) for r in shown], "next_cursor": following, "open": open_breaks()}


def open_breaks() -> int:
    """How many breaks stand open; the goal is none."""
    return int(db.scalar("SELECT count(*) FROM payment_breaks WHERE state = 'open'"))


def _document(r: Any) -> dict[str, Any]:
    return {
        "id": str(r.id),
        "kind": r.kind,
        "state": r.state,
        "order": r.number,
        "provider": r.provider,
        "provider_ref": r.provider_ref,
        "subject": r.subject,
        "expected": money(r.expected_minor, r.currency),
        "found": money(r.found_minor, r.currency),
        "detail": r.detail,
        "opened_at": rfc3339(r.opened_at),
        "seen_at": rfc3339(r.seen_at),
        "closed_at": rfc3339(r.closed_at),
        "closed_by": r.closed_by,
        "note": r.note,
    }
