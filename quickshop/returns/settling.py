"""What the shopper gets for what came back: the money, as the ledger of refunds gives it, or another one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from quickshop.kernel import db
from quickshop.kernel.errors import Invalid
from quickshop.kernel.events import Fact
from quickshop.kernel.money import money
from quickshop.orders import refunds
from quickshop.orders.refunds import Back, Given
from quickshop.returns import locking, replacing, rules
from quickshop.returns.errors import NothingCame
from quickshop.returns.states import Resolution, State
from quickshop.shop.queries import return_terms

_LINES = """
SELECT r.line_id, l.position + 1 AS line, l.variant_id, l.sku, l.name, l.options, r.received, r.exchange_variant_id
FROM return_lines r JOIN order_lines l ON l.id = r.line_id
WHERE r.return_id = :id AND r.received > 0 ORDER BY l.position
"""


def refund(
    return_id: UUID,
    request_id: str | None,
    *,
    amounts: Mapping[int, int] | None = None,
    shipping_minor: int | None = None,
    to: str | None = None,
    reason: str | None = None,
) -> Given:
    """Give back what was paid for the units that came, or, for lines named by their place, another amount.

    `shipping_minor` is what of the shipping goes back with it, by default what the shop's terms say; `to` is "original"
    or "store_credit", by default what the shopper asked for. Raises NotFound, WrongState, NothingCame,
    Invalid, NotRefundable with what is left. Records what the ledger records, and `order.return_refunded`.
    """
    found, order = locking.with_order(return_id)
    locking.demand(found, State.REFUNDED)
    lines = _came(return_id)
    places = {line.line for line in lines}
    if unknown := sorted(set(amounts or {}) - places):
        raise Invalid({"lines": [f"Nothing of line {unknown[0]} came back."]})
    wanted = {line.line_id: Back(line.received, (amounts or {}).get(line.line)) for line in lines}
    given = refunds.give_back(
        order.id,
        "return",
        "staff",
        lines=wanted,
        shipping_minor=shipping_due(return_id) if shipping_minor is None else shipping_minor,
        to=to or (refunds.STORE_CREDIT if found.resolution == Resolution.CREDIT else refunds.ORIGINAL),
        reason=reason,
        request_id=request_id,
    )
    locking.enter(found, State.REFUNDED, refund_id=given.id, ended_at=order.now)
    db.run(
        "UPDATE return_lines r SET refunded_minor = s.amount_minor FROM refund_lines s"
        " WHERE r.return_id = :id AND s.refund_id = :refund AND s.line_id = r.line_id",
        id=return_id,
        refund=given.id,
    )
    amount = money(given.amount_minor, given.currency)
    locking.tell(order.id, Fact("order.return_refunded", {"return": found.number, "amount": amount}), request_id)
    return given


_SHIPPING = """
SELECT g.shipping_minor - g.shipping_given_minor AS left_minor,
       (SELECT sum(ordered - cancelled) FROM line_progress p WHERE p.order_id = r.order_id)::int AS coming,
       (SELECT sum(received)::int FROM return_lines x WHERE x.return_id = r.id) AS received,
       (SELECT array_agg(reason) FROM return_lines x WHERE x.return_id = r.id) AS reasons
FROM returns r JOIN order_given_back g ON g.order_id = r.order_id WHERE r.id = :id
"""


def shipping_due(return_id: UUID) -> int:
    """What of the shipping the shop's terms give back with a return, in minor units: all that is left of it where the
    whole order came back for the shop's fault.
    """
    found = db.row(_SHIPPING, id=return_id)
    if found is None or not return_terms().shipping_for_faults:
        return 0
    whole = rules.whole_and_faulty(found.reasons, found.received, found.coming)
    return int(found.left_minor) if whole else 0


def exchange(return_id: UUID, request_id: str | None) -> str:
    """Send another one for what came back, at no charge; the number of the order that brings it.

    Raises NotFound, WrongState (also the second time), NothingCame, Invalid where no exchange was asked for,
    OutOfStock. Records `order.placed` of the new order and `order.exchanged`.
    """
    found, order = locking.with_order(return_id)
    locking.demand(found, State.EXCHANGED)
    lines = _came(return_id)
    if found.resolution != Resolution.EXCHANGE:
        raise Invalid({"resolution": ["No exchange was asked for: give the money back."]})
    wanted: dict[UUID, int] = {}
    for line in lines:
        variant = line.exchange_variant_id or line.variant_id
        wanted[variant] = wanted.get(variant, 0) + line.received
    made = replacing.place_replacement(order, wanted, request_id)
    locking.enter(found, State.EXCHANGED, replacement_id=made.id, ended_at=order.now)
    locking.tell(order.id, Fact("order.exchanged", {"return": found.number, "order": made.number}), request_id)
    return made.number


def _came(return_id: UUID) -> list[Any]:
    lines = db.rows(_LINES, id=return_id)
    if not lines:
        raise NothingCame("Nothing of this return has arrived.")
    return lines
