"""How risky orders are, as staff see it. Reads only."""

from __future__ import annotations

from typing import Any

from quickshop.kernel import db
from quickshop.kernel.clock import rfc3339
from quickshop.kernel.errors import NotFound
from quickshop.kernel.money import money
from quickshop.kernel.pagination import decode_cursor, encode_cursor
from quickshop.orders import proving

_LIST = """
SELECT r.*, o.number, o.hold_reason, o.total_minor, o.currency, o.country, o.placed_at, o.user_id
FROM order_risks r JOIN orders o ON o.id = r.order_id
WHERE o.status = 'on_hold' AND r.decided IS NULL AND r.expires_at IS NOT NULL {after}
ORDER BY r.expires_at, r.order_id LIMIT :limit
"""


def list_reviews(*, limit: int = 24, cursor: str | None = None) -> dict[str, Any]:
    """A page of the orders on which somebody has to decide, the least time left first: {items, next_cursor}."""
    values: dict[str, Any] = {}
    if cursor:
        expires_at, last = decode_cursor(cursor, str, str)
        values = {"expires_at": expires_at, "last": last}
    after = "AND (r.expires_at, r.order_id) > (CAST(:expires_at AS timestamptz), CAST(:last AS uuid))"
    found = db.rows(_LIST.format(after=after if cursor else ""), limit=limit + 1, **values)
    shown = found[:limit]
    more = len(found) > limit
    following = encode_cursor(shown[-1].expires_at.isoformat(), str(shown[-1].order_id)) if more else None
    return {"items": [_review(row) for row in shown], "next_cursor": following}


def order_risk(number: str) -> dict[str, Any]:
    """An order's score with its reasons, what was decided, and what its digest says. Raises NotFound."""
    proof = proving.prove(number)
    if proof is None:
        raise NotFound("order")
    risk = db.row(
        "SELECT r.* FROM order_risks r JOIN orders o ON o.id = r.order_id WHERE o.number = :number", number=number
    )
    none = {"score": 0, "reasons": [], "outcome": "pass", "expires_at": None, "decided": None, "decided_at": None}
    digest = {"state": proof.state, "differs": list(proof.differs)}
    return (none if risk is None else _risk(risk)) | {"number": number, "digest": digest}


def _risk(row: Any) -> dict[str, Any]:
    return {
        "score": row.score,
        "reasons": row.reasons,
        "outcome": row.outcome,
        "expires_at": row.expires_at and rfc3339(row.expires_at),
        "decided": row.decided,
        "decided_at": row.decided_at and rfc3339(row.decided_at),
    }


def _review(row: Any) -> dict[str, Any]:
    return _risk(row) | {
        "number": row.number,
        "hold_reason": row.hold_reason,
        "total": money(row.total_minor, row.currency),
        "country": row.country,
        "member": row.user_id is not None,
        "placed_at": rfc3339(row.placed_at),
    }
