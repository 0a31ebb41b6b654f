"""Reads of returns: what may come back of an order, a return as its shopper and staff see it, and the staff's list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from quickshop.accounts.people import person_key
from quickshop.kernel import db
from quickshop.kernel.clock import now, rfc3339
from quickshop.kernel.errors import NotFound
from quickshop.kernel.money import money
from quickshop.kernel.pagination import decode_id, page
from quickshop.orders.viewers import Viewer
from quickshop.returns import locking, rules
from quickshop.returns.states import FAULTS, Reason, State
from quickshop.shop.queries import return_terms

PAGE = 24

_LINES = """(SELECT jsonb_agg(jsonb_build_object('line', l.position + 1, 'variant_id', l.variant_id, 'sku', l.sku,
        'name', l.name, 'options', l.options, 'quantity', x.quantity, 'reason', x.reason, 'received', x.received,
        'restocked', x.restocked, 'refunded', x.refunded_minor, 'exchange_variant_id', x.exchange_variant_id,
        'exchange_sku', v.sku, 'exchange_options', v.options,
        'paid', CASE WHEN p.ordered > 0 THEN p.paid_minor * x.quantity / p.ordered END) ORDER BY l.position)
    FROM return_lines x JOIN order_lines l ON l.id = x.line_id
    LEFT JOIN variants v ON v.id = x.exchange_variant_id LEFT JOIN line_progress p ON p.line_id = l.id
    WHERE x.return_id = r.id)"""
_RETURN = f"""
SELECT r.id, r.number, r.state, r.resolution, r.note, r.answer, r.requested_at, r.decided_at, r.received_at, r.ended_at,
       r.person_id, per.key_id, per.wrapped_key, o.id AS order_id, o.number AS order_number, o.user_id, o.currency,
       n.number AS replacement, f.number AS refund, f.amount_minor AS refunded_minor, f.store_credit_minor,
       (SELECT count(*) FROM return_photos q WHERE q.return_id = r.id)::int AS photos, {_LINES} AS lines
FROM returns r JOIN orders o ON o.id = r.order_id JOIN persons per ON per.id = r.person_id
LEFT JOIN orders n ON n.id = r.replacement_id LEFT JOIN refunds f ON f.id = r.refund_id
"""


def returnable(number: str, viewer: Viewer) -> list[dict[str, Any]]:
    """The lines of an order of which something can come back now: {line, sku, name, options, quantity, until,
    until_for_faults, exchange_for}. Raises NotFound.
    """
    order = _order(number, viewer)
    terms, moment = return_terms(), now()
    named = {
        row.line: row
        for row in db.rows(
            "SELECT position + 1 AS line, sku, name, options FROM order_lines WHERE order_id = :id", id=order.id
        )
    }
    found = []
    for place, line in locking.bought(order.id).items():
        last, faulty = rules.until(line, Reason.OTHER, terms), rules.until(line, None, terms)
        if line.left > 0 and faulty is not None and moment <= faulty:
            about = {"line": place, "sku": named[place].sku, "name": named[place].name, "options": named[place].options}
            ends = {"until": rfc3339(last), "until_for_faults": rfc3339(faulty), "for_faults_only": moment > last}  # type: ignore[operator]
            found.append({**about, "quantity": line.left, **ends, "exchange_for": _others(line.variant_id)})
    return found


def _order(number: str, viewer: Viewer) -> Any:
    order = db.row("SELECT id, user_id FROM orders WHERE number = :n", n=number)
    if order is None or not viewer.may_see(order.id, order.user_id):
        raise NotFound("order")
    return order


_OTHERS = """
SELECT w.id, w.sku, w.options FROM variants w JOIN variants v ON v.product_id = w.product_id
WHERE v.id = :id AND (w.id = v.id OR w.price_minor <= v.price_minor) ORDER BY w.id = v.id DESC, w.position, w.sku
"""


def _others(variant_id: UUID) -> list[dict[str, Any]]:
    """What a variant may be exchanged for, itself first."""
    found = db.rows(_OTHERS, id=variant_id)
    return [{"variant_id": str(row.id), "sku": row.sku, "options": row.options} for row in found]


def returns_of(number: str, viewer: Viewer) -> list[dict[str, Any]]:
    """The returns of an order, oldest first. Raises NotFound."""
    order = _order(number, viewer)
    return [_document(row) for row in db.rows(f"{_RETURN} WHERE r.order_id = :id ORDER BY r.number", id=order.id)]


def return_of(number: str, place: int, viewer: Viewer) -> dict[str, Any]:
    """One return by its number in the order. Raises NotFound."""
    row = db.row(f"{_RETURN} WHERE o.number = :number AND r.number = :place", number=number, place=place)
    if row is None or not viewer.may_see(row.order_id, row.user_id):
        raise NotFound("return")
    return _document(row)


def return_by_id(return_id: UUID, viewer: Viewer) -> dict[str, Any]:
    """One return by its id. Raises NotFound."""
    row = db.row(f"{_RETURN} WHERE r.id = :id", id=return_id)
    if row is None or not viewer.may_see(row.order_id, row.user_id):
        raise NotFound("return")
    return _document(row)


def list_returns(state: str | None = None, limit: int = PAGE, cursor: str | None = None) -> dict[str, Any]:
    """Returns for staff, those in one state or all: {items, next_cursor}. Those that wait come first asked, first
    shown; others the newest first.
    """
    waiting = state in (State.REQUESTED, State.APPROVED, State.RECEIVED)
    sign, order = (">", "ASC") if waiting else ("<", "DESC")
    found = db.rows(
        f"{_RETURN} WHERE (CAST(:state AS text) IS NULL OR r.state = :state)"
        f" AND (CAST(:after AS uuid) IS NULL OR r.id {sign} :after) ORDER BY r.id {order} LIMIT :limit",
        state=state,
        after=decode_id(cursor) if cursor else None,
        limit=limit + 1,
    )
    shown, following = page(found, limit, "id")
    return {"items": [_document(row) for row in shown], "next_cursor": following}


def waiting() -> dict[str, int]:
    """How many returns wait for staff, by state."""
    found = db.rows("SELECT state, count(*)::int AS n FROM returns WHERE state = ANY(:open) GROUP BY 1",
                    open=[str(s) for s in (State.REQUESTED, State.APPROVED, State.RECEIVED)])  # fmt: skip
    return {row.state: row.n for row in found}


def _document(row: Any) -> dict[str, Any]:
    base = f"/api/v1/orders/{row.order_number}/returns/{row.number}"
    return {
        "id": str(row.id),
        "number": row.number,
        "order": row.order_number,
        "state": row.state,
        "resolution": row.resolution,
        "currency": row.currency,
        "lines": [_line(line, row.currency) for line in row.lines or ()],
        "note": _note(row),
        "answer": row.answer,
        "photos": [f"{base}/photos/{position}" for position in range(1, row.photos + 1)],
        "refund": None
        if row.refund is None
        else {
            "number": row.refund,
            "amount": money(row.refunded_minor, row.currency),
            "to": "store_credit" if row.store_credit_minor else "original",
        },
        "replacement": row.replacement,
        "requested_at": rfc3339(row.requested_at),
        "decided_at": rfc3339(row.decided_at),
        "received_at": rfc3339(row.received_at),
        "ended_at": rfc3339(row.ended_at),
    }


def _note(row: Any) -> str | None:
    """What the shopper wrote; None after they were erased."""
    if row.note is None or row.wrapped_key is None:
        return None
    person = person_key(row.person_id, row.key_id, row.wrapped_key)
    return str(person.unseal(row.note, f"returns/note/{row.id}"))


def _line(line: Mapping[str, Any], currency: str) -> dict[str, Any]:
    exchanged = line["exchange_variant_id"]
    kept = {name: line[name] for name in ("line", "variant_id", "sku", "name", "options", "quantity", "reason")}
    return {
        **kept,
        "fault": line["reason"] in FAULTS,
        "received": line["received"],
        "restocked": line["restocked"],
        "paid": None if line["paid"] is None else money(line["paid"], currency),
        "refunded": None if line["refunded"] is None else money(line["refunded"], currency),
        "exchange": exchanged
        and {"variant_id": exchanged, "sku": line["exchange_sku"], "options": line["exchange_options"]},
    }
