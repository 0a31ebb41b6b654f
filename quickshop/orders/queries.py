"""Reads of orders and their logs. What a viewer may not see does not exist for them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from quickshop.accounts.people import person_key
from quickshop.kernel import db
from quickshop.kernel.clock import rfc3339
from quickshop.kernel.errors import NotFound
from quickshop.kernel.events import entry
from quickshop.kernel.money import money
from quickshop.kernel.pagination import decode_cursor, encode_cursor
from quickshop.orders.documents import order_document
from quickshop.orders.parcels import parcels_of
from quickshop.orders.viewers import Viewer

PAGE_OF_EVENTS = 500

_ORDER = """
SELECT o.id, o.number, o.user_id, o.person_id, o.email, o.shipping_address, o.status, o.payment_status,
       o.fulfilment_status, o.hold_reason, o.failure_code, o.priority, o.priority_reason, o.currency,
       o.subtotal_minor, o.discount_minor, o.shipping_minor, o.tax_minor, o.tax_included_minor, o.shipping_tax_minor,
       o.tax_lines, o.total_minor, o.credit_minor,
       o.shipping_method,
       o.deliver_from, o.deliver_to, o.next_action, o.client_reference, o.placed_at, o.confirmed_at, o.event_seq,
       o.packing_at, o.delivered_at, o.expected_from, o.expected_to,
       CASE WHEN o.confirmed_at IS NOT NULL THEN
           (SELECT jsonb_agg(to_jsonb(p)) FROM line_progress p WHERE p.order_id = o.id) END AS progress,
       CASE WHEN o.confirmed_at IS NOT NULL THEN
           (SELECT given_minor FROM order_given_back g WHERE g.order_id = o.id) END AS given_minor,
       per.key_id, per.wrapped_key,
       (SELECT coalesce(sum(refunded_minor), 0)::bigint FROM payments WHERE order_id = o.id) AS refunded_minor,
       (SELECT jsonb_agg(to_jsonb(d) ORDER BY d.position, d.line) FROM order_discounts d WHERE d.order_id = o.id)
         AS discounts,
       (SELECT jsonb_agg(to_jsonb(l) ORDER BY l.position) FROM order_lines l WHERE l.order_id = o.id) AS lines
FROM orders o JOIN persons per ON per.id = o.person_id WHERE {which}
"""


def order_view(number: str, viewer: Viewer) -> dict[str, Any]:
    """The whole order by its number. Raises NotFound, also for an order the viewer may not see."""
    return _view(_ORDER.format(which="o.number = :key"), number, viewer)


def order_view_by_id(order_id: UUID, viewer: Viewer, token: str | None = None) -> dict[str, Any]:
    """The whole order by its id. Raises NotFound."""
    return _view(_ORDER.format(which="o.id = :key"), order_id, viewer, token)


def _view(sql: str, key: Any, viewer: Viewer, token: str | None = None) -> dict[str, Any]:
    order = db.row(sql, key=key)
    if order is None or not viewer.may_see(order.id, order.user_id):
        raise NotFound("order")
    address, email = _personal(order)
    document = order_document(order._asdict(), order.lines, shipping_address=address, email=email, token=token)
    document["parcels"] = parcels_of(order.id) if order.packing_at is not None else []
    return document


def _personal(order: Any) -> tuple[dict[str, Any] | None, str | None]:
    """Address and e-mail of an order; both None after the person was erased."""
    if order.wrapped_key is None:
        return None, None
    person = person_key(order.person_id, order.key_id, order.wrapped_key)
    address = person.unseal(order.shipping_address, f"orders/shipping_address/{order.id}")
    return address, person.unseal(order.email, f"orders/email/{order.id}")


SUMMARY = """
SELECT o.id, o.number, o.status, o.payment_status, o.fulfilment_status, o.priority, o.priority_reason, o.currency,
       o.total_minor, o.country, o.client_reference, o.placed_at, o.confirmed_at, o.hold_reason, o.failure_code,
       coalesce(o.expected_from, o.deliver_from) AS deliver_from, coalesce(o.expected_to, o.deliver_to) AS deliver_to,
       (SELECT coalesce(sum(quantity), 0)::bigint FROM order_lines l WHERE l.order_id = o.id) AS units
FROM orders o
"""


def summary_document(r: Any) -> dict[str, Any]:
    """An order in a list, from a row of SUMMARY."""
    from_, to = r.deliver_from.isoformat(), r.deliver_to.isoformat()
    return {
        "id": str(r.id),
        "number": r.number,
        "status": r.status,
        "payment_status": r.payment_status,
        "fulfilment_status": r.fulfilment_status,
        "hold_reason": r.hold_reason,
        "failure_code": r.failure_code,
        "priority": r.priority,
        "priority_reason": r.priority_reason,
        "total": money(r.total_minor, r.currency),
        "units": r.units,
        "country": r.country,
        "client_reference": r.client_reference,
        "estimated_delivery": {"from": from_, "to": to},
        "placed_at": rfc3339(r.placed_at),
        "confirmed_at": rfc3339(r.confirmed_at),
    }


def list_orders(
    *,
    user_id: UUID | None = None,
    status: str | None = None,
    client_reference: str | None = None,
    limit: int = 24,
    cursor: str | None = None,
) -> dict[str, Any]:
    """Order summaries, newest first: {items, next_cursor}. Without `user_id` those of everybody (staff)."""
    parts, params = ["true"], dict[str, Any]()
    for name, value in (("user_id", user_id), ("status", status), ("client_reference", client_reference)):
        if value is not None:
            parts.append(f"o.{name} = :{name}")
            params[name] = value
    if cursor:
        placed_at, last = decode_cursor(cursor, str, str)
        parts.append("(o.placed_at, o.id) < (CAST(:placed_at AS timestamptz), CAST(:last AS uuid))")
        params |= {"placed_at": placed_at, "last": last}
    where = " AND ".join(parts)
    found = db.rows(
        f"{SUMMARY} WHERE {where} ORDER BY o.placed_at DESC, o.id DESC LIMIT :limit", **params, limit=limit + 1
    )
    shown = found[:limit]
    following = encode_cursor(shown[-1].placed_at.isoformat(), str(shown[-1].id)) if len(found) > limit else None
    return {"items": [summary_document(r) for r in shown], "next_cursor": following}


def find_order(number: str, viewer: Viewer) -> tuple[UUID, int]:
    """The id of an order and the last seq of its log. Raises NotFound, also for what the viewer may not see."""
    found = db.row("SELECT id, user_id, event_seq FROM orders WHERE number = :n", n=number)
    if found is None or not viewer.may_see(found.id, found.user_id):
        raise NotFound("order")
    return found.id, found.event_seq


def order_log(order_id: UUID, after: int, limit: int = PAGE_OF_EVENTS) -> list[dict[str, Any]]:
    """Entries of an order's log with seq > `after`, in order; at most `limit`."""
    found = db.rows(
        "SELECT seq, type, at, data, request_id FROM order_events WHERE order_id = :id AND seq > :after"
        " ORDER BY seq LIMIT :limit",
        id=order_id,
        after=after,
        limit=limit,
    )
    return [entry(r.seq, r.type, r.at, r.data, r.request_id) for r in found]


def order_events(number: str, viewer: Viewer, after: int, limit: int = PAGE_OF_EVENTS) -> list[dict[str, Any]]:
    """Entries of the log by order number. Raises NotFound."""
    order_id, _ = find_order(number, viewer)
    return order_log(order_id, after, limit)


_AMOUNTS = ("amount", "authorized", "captured", "refunded", "refunding")
_PAYMENTS = """
SELECT p.round, p.provider, p.provider_ref, p.currency, p.amount_minor, p.authorized_minor, p.captured_minor,
       p.refunded_minor, p.refunding_minor, p.voided_at
FROM payments p WHERE p.order_id = :id ORDER BY p.round
"""
_ATTEMPTS = """
SELECT round, key, kind, amount_minor, state, code, reason, created_at, resolved_at FROM payment_attempts
WHERE order_id = :id ORDER BY created_at, key
"""


def order_payments(number: str) -> list[dict[str, Any]]:
    """Every round of paying for an order, with the calls made to the provider; for staff. Raises NotFound."""
    order_id, _ = find_order(number, Viewer(staff=True))
    attempts = db.rows(_ATTEMPTS, id=order_id)
    return [_round(p, [a for a in attempts if a.round == p.round]) for p in db.rows(_PAYMENTS, id=order_id)]


def _round(p: Any, attempts: list[Any]) -> dict[str, Any]:
    amounts = {name: money(getattr(p, f"{name}_minor"), p.currency) for name in _AMOUNTS}
    named = {"round": p.round, "provider": p.provider, "provider_ref": p.provider_ref}
    told = [_attempt(a, p.currency) for a in attempts]
    return {**named, **amounts, "voided_at": rfc3339(p.voided_at), "attempts": told}


def _attempt(a: Any, currency: str) -> dict[str, Any]:
    return {
        "key": a.key,
        "kind": a.kind,
        "amount": money(a.amount_minor, currency),
        "state": a.state,
        "code": a.code,
        "reason": a.reason,
        "created_at": rfc3339(a.created_at),
        "resolved_at": rfc3339(a.resolved_at),
    }
