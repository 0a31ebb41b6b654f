"""Issuing: a confirmed order gets its invoice, a refund its credit note, each once and with the next number.

A fact only says that an order needs a look; what it lacks is read from its own rows, so a fact that comes twice or late
does no harm. Number, frozen document and the entry in the order's log are one transaction, whose last act is to take
the number: the lock on the series is held for a statement and the commit, and a number whose transaction fails is given
to the next. The file is made afterwards (`printing`), from the frozen document alone.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from quickshop.accounts.people import PersonKey, person_key
from quickshop.invoices.documents import Kind, buyer_document, credit_document, invoice_document, series_name
from quickshop.invoices.errors import SeriesTaken
from quickshop.kernel import clock, db, facts
from quickshop.kernel.clock import rfc3339
from quickshop.kernel.events import Fact
from quickshop.kernel.ids import new_id
from quickshop.kernel.outbox import dump
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders import log as order_log
from quickshop.shop.queries import details

CONSUMER = "invoices"
# A task gives its place to others after so long; whoever wakes it does so again.
BUDGET_SECONDS = 10.0

log = logging.getLogger(__name__)


def drain(budget_seconds: float = BUDGET_SECONDS) -> int:
    """Take the facts that wait and issue what they call for; how many papers were issued. Safe to run in parallel.

    Each fact is a unit of its own. What fails is logged, stays, and keeps nobody else from theirs.
    """
    until, issued, failed = time.monotonic() + budget_seconds, 0, set[int]()
    while time.monotonic() < until:
        in_hand: list[int] = []
        try:
            made = run_unit(lambda in_hand=in_hand: _take_one(failed, in_hand))  # type: ignore[misc]
        except Exception:
            if not in_hand:
                raise
            log.exception("an invoice could not be issued")
            failed.update(in_hand)
            continue
        if made is None:
            break
        issued += made
    return issued


def _take_one(failed: set[int], in_hand: list[int]) -> int | None:
    """Take one fact; how many papers came of it, None where none waits. `in_hand` is told the fact's id."""
    taken = facts.take(CONSUMER, 1, but=failed)
    in_hand[:] = [fact.id for fact in taken]
    return bring_up_to_date(UUID(taken[0].data["order_id"])) if taken else None


_ORDER = """
SELECT o.id, o.number, o.person_id, o.currency, o.subtotal_minor, o.discount_minor, o.shipping_minor, o.tax_minor,
       o.tax_included_minor, o.tax_lines, o.total_minor, o.credit_minor, o.shipping_method, o.shipping_address,
       o.billing_address, o.email, o.placed_at, o.confirmed_at, per.key_id, per.wrapped_key,
       coalesce(u.locale, 'en') AS locale,
       coalesce((SELECT timezone FROM shipping_settings LIMIT 1), 'UTC') AS timezone,
       (SELECT jsonb_agg(to_jsonb(l) ORDER BY l.position) FROM order_lines l WHERE l.order_id = o.id) AS lines,
       (SELECT jsonb_agg(to_jsonb(d) ORDER BY d.position, d.line) FROM order_discounts d WHERE d.order_id = o.id)
         AS discounts,
       (SELECT jsonb_build_object('code', i.code, 'issued_at', i.issued_at) FROM invoices i
         WHERE i.order_id = o.id AND i.kind = 'invoice') AS invoice,
       (SELECT jsonb_agg(to_jsonb(r) || jsonb_build_object('lines',
                 (SELECT jsonb_agg(to_jsonb(p) ORDER BY l.position) FROM refund_lines p
                  JOIN order_lines l ON l.id = p.line_id WHERE p.refund_id = r.id)) ORDER BY r.number)
         FROM refunds r WHERE r.order_id = o.id
         AND NOT EXISTS (SELECT FROM invoices i WHERE i.refund_id = r.id)) AS refunds
FROM orders o JOIN persons per ON per.id = o.person_id LEFT JOIN users u ON u.id = o.user_id
WHERE o.id = :id
"""


def bring_up_to_date(order_id: UUID) -> int:
    """Issue the invoice and the credit notes that an order lacks; how many. Writes; the caller commits.

    Records `order.invoiced` and `order.credited`. Raises SeriesTaken.
    """
    # The order's lock keeps two workers from issuing the same; the member's, which the log needs, must not be waited
    # for while the series is locked. Both go along with the reading, each with a snapshot of its own.
    db.run_along("SELECT 1 FROM orders WHERE id = :id FOR UPDATE", id=order_id)
    db.run_along(
        "SELECT 1 FROM users WHERE id = (SELECT user_id FROM orders WHERE id = :id) FOR NO KEY UPDATE", id=order_id
    )
    found = db.row(_ORDER, id=order_id)
    if found is None or found.confirmed_at is None:
        return 0
    order, shop = found._asdict(), details()
    person = person_key(found.person_id, found.key_id, found.wrapped_key) if found.wrapped_key is not None else None
    issued, invoice = 0, found.invoice
    if invoice is None:
        invoice = _issue(order, person, Kind.INVOICE, invoice_document(shop, order), shop)
        issued += 1
    for refund in found.refunds or ():
        document = credit_document(shop, order, refund, invoice)
        _issue(order, person, Kind.CREDIT_NOTE, document, shop, UUID(refund["id"]))
        issued += 1
    return issued


# The conflict is the lock: whoever counts in the same series waits here until the other has committed or is gone.
_ISSUE = """
WITH s AS (
    INSERT INTO invoice_series (name, kind, last_number, last_at) VALUES (:series, :kind, 1, :at)
    ON CONFLICT (name) DO UPDATE SET last_number = invoice_series.last_number + 1,
        last_at = greatest(invoice_series.last_at, EXCLUDED.last_at)
    WHERE invoice_series.kind = EXCLUDED.kind
    RETURNING name, last_number, last_at
)
INSERT INTO invoices (id, series, number, code, kind, order_id, refund_id, person_id, currency, total_minor, tax_minor,
                      document, buyer, issued_at)
SELECT :id, s.name, s.last_number,
       s.name || '-' || lpad(CAST(s.last_number AS text), greatest(6, length(CAST(s.last_number AS text))), '0'),
       :kind, :order_id, CAST(:refund_id AS uuid), :person_id, :currency, :total_minor, :tax_minor,
       CAST(:document AS jsonb), :buyer, s.last_at
FROM s RETURNING code, issued_at
"""
_EVENTS = {Kind.INVOICE: "order.invoiced", Kind.CREDIT_NOTE: "order.credited"}


def _issue(
    order: Mapping[str, Any],
    person: PersonKey | None,
    kind: Kind,
    document: dict[str, Any],
    shop: Mapping[str, Any],
    refund_id: UUID | None = None,
) -> dict[str, Any]:
    """Give the next number to a document and freeze it; its code and time of issue."""
    invoice_id, at = new_id(), clock.now()
    year = at.astimezone(ZoneInfo(order["timezone"])).year
    series = series_name(kind, shop, year)
    issued = db.row(
        _ISSUE,
        id=invoice_id,
        series=series,
        kind=str(kind),
        at=at,
        order_id=order["id"],
        refund_id=refund_id,
        person_id=order["person_id"],
        currency=order["currency"],
        total_minor=document["total_minor"],
        tax_minor=document["tax_minor"],
        document=dump(document),
        buyer=_buyer(order, person, invoice_id),
    )
    if issued is None:
        raise SeriesTaken(f"The series {series} counts something else; set another prefix.")
    if person is not None:
        db.run_along("INSERT INTO invoice_files (invoice_id) VALUES (:id)", id=invoice_id)
    order_log.tell(order["id"], Fact(_EVENTS[kind], {"invoice": issued.code}))
    return {"code": issued.code, "issued_at": rfc3339(issued.issued_at)}


def _buyer(order: Mapping[str, Any], person: PersonKey | None, invoice_id: UUID) -> bytes:
    """Who bought, sealed; nothing for somebody who was erased."""
    if person is None:
        return b""
    address, billing, email = (
        person.unseal(order[column], f"orders/{column}/{order['id']}")
        for column in ("shipping_address", "billing_address", "email")
    )
    return person.seal(buyer_document(address, billing, email), f"invoices/buyer/{invoice_id}")
