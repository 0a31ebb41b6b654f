"""Reads of invoices and credit notes, for whoever may see their order, and for staff."""

from __future__ import annotations

from datetime import date
from typing import Any

from quickshop.kernel import db
from quickshop.kernel.clock import rfc3339
from quickshop.kernel.money import money
from quickshop.kernel.pagination import decode_cursor, encode_cursor
from quickshop.orders.queries import find_order
from quickshop.orders.viewers import Viewer

_SUMMARY = """
SELECT i.id, i.code, i.kind, i.currency, i.total_minor, i.tax_minor, i.issued_at, o.number, f.sha256, f.size
FROM invoices i JOIN orders o ON o.id = i.order_id LEFT JOIN invoice_files f ON f.invoice_id = i.id
"""


def _summary(r: Any) -> dict[str, Any]:
    return {
        "number": r.code,
        "kind": r.kind,
        "order": r.number,
        "total": money(r.total_minor, r.currency),
        "tax": money(r.tax_minor, r.currency),
        "issued_at": rfc3339(r.issued_at),
        "sha256": bytes(r.sha256).hex() if r.sha256 is not None else None,
        "url": f"/api/v1/orders/{r.number}/invoices/{r.code}.pdf",
    }


def order_invoices(number: str, viewer: Viewer) -> list[dict[str, Any]]:
    """The invoice of an order, then its credit notes as they were issued. Raises NotFound."""
    order_id, _ = find_order(number, viewer)
    found = db.rows(
        f"{_SUMMARY} WHERE i.order_id = :id ORDER BY i.kind = 'invoice' DESC, i.issued_at, i.id", id=order_id
    )
    return [_summary(r) for r in found]


def list_invoices(
    *,
    kind: str | None = None,
    q: str | None = None,
    since: date | None = None,
    until: date | None = None,
    limit: int = 24,
    cursor: str | None = None,
) -> dict[str, Any]:
    """Invoices and credit notes, the newest first: {items, next_cursor}.

    `q` is the beginning of a number, or an order's number; `since` and `until` are days of issue in UTC, both included.
    """
    parts, params = ["true"], dict[str, Any]()
    if kind is not None:
        parts.append("i.kind = :kind")
        params["kind"] = kind
    if q:
        parts.append("(o.number = :q OR starts_with(i.code, upper(:q)))")
        params["q"] = q.strip()
    if since is not None:
        parts.append("i.issued_at >= CAST(:since AS date)")
        params["since"] = since
    if until is not None:
        parts.append("i.issued_at < CAST(:until AS date) + 1")
        params["until"] = until
    if cursor:
        issued_at, last = decode_cursor(cursor, str, str)
        parts.append("(i.issued_at, i.id) < (CAST(:issued_at AS timestamptz), CAST(:last AS uuid))")
        params |= {"issued_at": issued_at, "last": last}
    where = " AND ".join(parts)
    found = db.rows(
        f"{_SUMMARY} WHERE {where} ORDER BY i.issued_at DESC, i.id DESC LIMIT :limit", **params, limit=limit + 1
    )
    shown = found[:limit]
    following = encode_cursor(shown[-1].issued_at.isoformat(), str(shown[-1].id)) if len(found) > limit else None
    return {"items": [_summary(r) for r in shown], "next_cursor": following}


_SERIES = """
SELECT s.name, s.kind, s.last_number, count(i.id) AS issued, coalesce(max(i.number), 0) AS highest
FROM invoice_series s LEFT JOIN invoices i ON i.series = s.name GROUP BY s.name ORDER BY s.name DESC
"""


def series() -> list[dict[str, Any]]:
    """Each series with its last number, and whether every number up to it is there once."""
    return [
        {
            "name": r.name,
            "kind": r.kind,
            "last_number": r.last_number,
            "whole": r.last_number == r.issued == r.highest,
        }
        for r in db.rows(_SERIES)
    ]
