"""Finding orders, for staff: by number, customer, article, state, class and date. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from quickshop.accounts.people import email_index
from quickshop.kernel import db
from quickshop.kernel.pagination import decode_cursor, encode_cursor
from quickshop.orders.queries import SUMMARY, summary_document

# A guest's orders are told by whose they are; a member may have ordered as a guest, too.
_EMAIL = """(o.user_id = (SELECT id FROM users WHERE email_index = :email_index)
             OR (o.user_id IS NULL AND o.caller = :guest))"""
_CONDITIONS = {
    "number": "o.number = :number",
    "sku": "o.id IN (SELECT order_id FROM order_lines WHERE sku = :sku)",
    "placed_from": "o.placed_at >= CAST(:placed_from AS date)",
    "placed_to": "o.placed_at < CAST(:placed_to AS date) + 1",
    **{
        name: f"o.{name} = :{name}"
        for name in ("status", "payment_status", "fulfilment_status", "priority", "hold_reason", "client_reference")
    },
}


@dataclass(frozen=True)
class Wanted:
    """What orders are looked for; None means any. Days are in UTC, both included."""

    number: str | None = None
    email: str | None = None
    sku: str | None = None
    status: str | None = None
    payment_status: str | None = None
    fulfilment_status: str | None = None
    priority: str | None = None
    hold_reason: str | None = None
    client_reference: str | None = None
    placed_from: date | None = None
    placed_to: date | None = None


def wanted_by_words(words: str, more: Mapping[str, Any]) -> Wanted:
    """What somebody means who types into one field: an e-mail address, an order's number, or an article's code."""
    words = words.strip()
    if not words:
        return Wanted(**more)
    if "@" in words:
        return Wanted(email=words, **more)
    digits = words.upper().removeprefix("QS-")
    return Wanted(number=f"QS-{digits}", **more) if digits.isdigit() else Wanted(sku=words, **more)


def find(wanted: Wanted, *, limit: int = 24, cursor: str | None = None) -> dict[str, Any]:
    """A page of order summaries, newest first: {items, next_cursor}."""
    parts, values = ["true"], dict[str, Any](limit=limit + 1)
    for name, condition in _CONDITIONS.items():
        value = getattr(wanted, name)
        if value is not None:
            parts.append(condition)
            values[name] = value
    if wanted.email is not None:
        index = email_index(wanted.email)
        parts.append(_EMAIL)
        values |= {"email_index": index, "guest": f"guest:{index.hex()}"}
    if cursor:
        placed_at, last = decode_cursor(cursor, str, str)
        parts.append("(o.placed_at, o.id) < (CAST(:placed_at AS timestamptz), CAST(:last AS uuid))")
        values |= {"placed_at": placed_at, "last": last}
    where = " AND ".join(parts)
    found = db.rows(f"{SUMMARY} WHERE {where} ORDER BY o.placed_at DESC, o.id DESC LIMIT :limit", **values)
    shown = found[:limit]
    following = encode_cursor(shown[-1].placed_at.isoformat(), str(shown[-1].id)) if len(found) > limit else None
    return {"items": [summary_document(row) for row in shown], "next_cursor": following}
