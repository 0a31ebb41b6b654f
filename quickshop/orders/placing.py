"""Writing a new order: names, prices and addresses are copied in, its class is decided, its log begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from quickshop.extensions import settings
from quickshop.kernel import crypto, db
from quickshop.kernel.events import Fact
from quickshop.kernel.ids import new_id
from quickshop.kernel.outbox import TaskHint, dump
from quickshop.orders import digests, signals
from quickshop.orders.errors import ReferenceUsed
from quickshop.orders.log import TAIL, now_in_log, tail_params
from quickshop.orders.priority import Thresholds, decide, queue_of
from quickshop.shipping.rules import Offer
from quickshop.shop.queries import high_value_minor, vip_spend


@dataclass(frozen=True)
class NewLine:
    """A line as it is bought. Amounts in minor units, `tax_rate` in millionths.

    The tax is contained in `total_minor` where `tax_included`, else it comes on top.
    """

    variant_id: UUID
    sku: str
    name: str
    options: Mapping[str, str]
    quantity: int
    unit_price_minor: int
    total_minor: int
    discount_minor: int = 0
    tax_class: str = "standard"
    tax_minor: int = 0
    tax_rate: int = 0
    tax_included: bool = True


@dataclass(frozen=True)
class NewOrder:
    """Everything an order is made from. `caller` scopes client_reference; `person_key` seals the personal data."""

    id: UUID
    cart_id: UUID
    number: str
    caller: str
    user_id: UUID | None
    person_id: UUID
    person_key: bytes
    vip: bool
    spent: Mapping[str, int]
    email: str
    email_index: bytes
    shipping_address: Mapping[str, Any]
    billing_address: Mapping[str, Any] | None
    lines: Sequence[NewLine]
    currency: str
    subtotal_minor: int
    discount_minor: int
    shipping_minor: int
    tax_minor: int
    total_minor: int
    shipping: Offer
    payment_token: str | None  # None where nothing is due
    client_reference: str | None
    request_id: str | None
    payment_method_id: UUID | None = None
    device: str | None = None  # what the edge knows of the device, for the digest among the signals
    tax_included_minor: int = 0
    shipping_tax_minor: int = 0
    tax_lines: Sequence[Mapping[str, Any]] = ()
    discounts: Sequence[Mapping[str, Any]] = ()  # rows of order_discounts
    credit_minor: int = 0  # what gift cards and store credit pay of the total


_INSERT = (
    """
WITH o AS (
    INSERT INTO orders (id, number, user_id, person_id, cart_id, caller, client_reference, email, shipping_address,
        billing_address, country, priority, priority_reason, currency, subtotal_minor, discount_minor,
        shipping_minor, tax_minor, tax_included_minor, shipping_tax_minor, tax_lines, total_minor, credit_minor,
        shipping_method, deliver_from, deliver_to, payment_token_sealed, payment_method_id, event_seq, request_id,
        placed_at, digest)
    VALUES (:id, :number, :user_id, :person_id, :cart_id, :caller, :client_reference,
        :email, :shipping_address, :billing_address, :country, :priority, :priority_reason, :currency, :subtotal,
        :discount, :shipping, :tax, :tax_included, :shipping_tax, CAST(:tax_lines AS jsonb), :total, :credit,
        CAST(:shipping_method AS jsonb), :deliver_from, :deliver_to,
        :payment_token, :payment_method_id, 1, :request_id, :at, :digest)
    RETURNING id, number, user_id, event_seq, currency
), l AS (
    INSERT INTO order_lines (id, order_id, position, variant_id, sku, name, options, quantity, unit_price_minor,
        discount_minor, total_minor, tax_minor, tax_rate, tax_included)
    SELECT x.id, o.id, x.position, x.variant_id, x.sku, x.name, x.options, x.quantity, x.unit_price_minor,
        x.discount_minor, x.total_minor, x.tax_minor, x.tax_rate, x.tax_included
    FROM o, jsonb_to_recordset(CAST(:lines AS jsonb)) AS x (id uuid, position smallint, variant_id uuid, sku text,
        name text, options jsonb, quantity int, unit_price_minor bigint, discount_minor bigint, total_minor bigint,
        tax_minor bigint, tax_rate int, tax_included boolean)
), d AS (
    INSERT INTO order_discounts (order_id, position, line, promotion_id, rule, label, code, amount_minor)
    SELECT o.id, x.position, x.line, x.promotion_id, x.rule, x.label, x.code, x.amount_minor
    FROM o, jsonb_to_recordset(CAST(:discounts AS jsonb)) AS x (position smallint, line smallint, promotion_id uuid,
        rule text, label text, code text, amount_minor bigint)
), s AS (
    INSERT INTO order_signals (order_id, account, card, address, device, countries)
    SELECT id, :signal_account, :signal_card, :signal_address, :signal_device, CAST(:countries AS text[]) FROM o
), w AS (
    INSERT INTO order_processing (order_id, queue, next_run_at) SELECT id, :queue, now() FROM o
)"""
    + TAIL
)

# Columns of which the parameters are what is written.
_AS_WRITTEN = (
    "user_id", "person_id", "cart_id", "caller", "client_reference", "email", "shipping_address", "billing_address",
    "country",
)  # fmt: skip


def payment_token_place(order_id: UUID) -> str:
    """Where an order's payment token stands sealed."""
    return f"orders/payment_token/{order_id}"


def place(new: NewOrder) -> dict[str, Any]:
    """Write the order, event 1 and the outbox row; the order's columns as written, with its lines.

    Stock must be reserved already in the same transaction. Raises ReferenceUsed. Records `order.placed`.
    """
    thresholds = Thresholds(vip_spend(), high_value_minor(new.currency))
    priority, reason = decide(vip=new.vip, spent=new.spent, total_minor=new.total_minor, thresholds=thresholds)
    at = now_in_log()
    task = TaskHint("orders.process", queue_of(priority), (str(new.id),))
    fact = Fact(
        "order.placed",
        {"status": "placed", "priority": priority, "total": {"amount": new.total_minor, "currency": new.currency}},
        consumers=("notifications",),
    )
    columns = _columns(new) | {"priority": str(priority), "priority_reason": reason, "placed_at": at}
    try:
        db.run(
            _INSERT,
            **_insert_params(new, columns),
            **_signals(new),
            queue=queue_of(priority),
            **tail_params([fact], at, new.request_id, [task]),
        )
    except IntegrityError as error:
        if db.constraint(error) == "uq_orders_client_reference":
            raise ReferenceUsed("You placed an order with this client_reference before.") from error
        raise
    return columns | {"lines": [{**_line(line), "position": place} for place, line in enumerate(new.lines)]}


def _columns(new: NewOrder) -> dict[str, Any]:
    return {
        "id": new.id,
        "number": new.number,
        "status": "placed",
        "payment_status": "pending",
        "fulfilment_status": "unfulfilled",
        "hold_reason": None,
        "failure_code": None,
        "next_action": None,
        "currency": new.currency,
        "subtotal_minor": new.subtotal_minor,
        "discount_minor": new.discount_minor,
        "shipping_minor": new.shipping_minor,
        "tax_minor": new.tax_minor,
        "tax_included_minor": new.tax_included_minor,
        "shipping_tax_minor": new.shipping_tax_minor,
        "tax_lines": list(new.tax_lines),
        "total_minor": new.total_minor,
        "credit_minor": new.credit_minor,
        "discounts": list(new.discounts),
        "shipping_method": _method(new.shipping),
        "deliver_from": new.shipping.deliver_from,
        "deliver_to": new.shipping.deliver_to,
        "client_reference": new.client_reference,
        "request_id": new.request_id,
        "confirmed_at": None,
        "event_seq": 1,
    }


def _method(shipping: Offer) -> dict[str, Any]:
    said = {"code": shipping.code, "name": shipping.name, "kind": shipping.kind}
    return said | ({"note": shipping.note} if shipping.note else {})


def _line(line: NewLine) -> dict[str, Any]:
    return {
        "variant_id": str(line.variant_id),
        "sku": line.sku,
        "name": line.name,
        "options": dict(line.options),
        "quantity": line.quantity,
        "unit_price_minor": line.unit_price_minor,
        "discount_minor": line.discount_minor,
        "total_minor": line.total_minor,
        "tax_minor": line.tax_minor,
        "tax_rate": line.tax_rate,
        "tax_included": line.tax_included,
    }


def _signals(new: NewOrder) -> dict[str, Any]:
    """What the order could have in common with others, as digests."""
    billing = new.billing_address or new.shipping_address
    return {
        "signal_account": signals.index("account", new.caller),
        "signal_card": signals.index("card", new.payment_token),
        "signal_address": signals.index("address", signals.place_words(new.shipping_address)),
        "signal_device": signals.index("device", new.device),
        "countries": sorted({new.shipping_address["country"], billing["country"]}),
    }


def _insert_params(new: NewOrder, columns: Mapping[str, Any]) -> dict[str, Any]:
    lines = [{**_line(x), "id": str(new_id()), "position": i} for i, x in enumerate(new.lines)]
    params = _order_params(new, columns) | {"lines": dump(lines)}
    order = {**columns, **{name: params[name] for name in _AS_WRITTEN}}
    belonging = {"order_id": str(new.id)}
    rows = {
        "orders": [order],
        "order_lines": [line | belonging for line in lines],
        "order_discounts": [row | belonging for row in _in_order(new.discounts)],
    }
    return params | {"digest": digests.make(rows, settings().master_keys)}


def _in_order(discounts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return sorted((dict(row) for row in discounts), key=lambda row: (row["position"], row["line"]))


def _order_params(new: NewOrder, columns: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": new.id,
        "number": new.number,
        "user_id": new.user_id,
        "person_id": new.person_id,
        "cart_id": new.cart_id,
        "caller": new.caller,
        "client_reference": new.client_reference,
        "email": crypto.seal(new.person_key, new.email, f"orders/email/{new.id}"),
        "shipping_address": crypto.seal(
            new.person_key, dict(new.shipping_address), f"orders/shipping_address/{new.id}"
        ),
        "billing_address": new.billing_address
        and crypto.seal(new.person_key, dict(new.billing_address), f"orders/billing_address/{new.id}"),
        "country": new.shipping_address["country"],
        "priority": columns["priority"],
        "priority_reason": columns["priority_reason"],
        "currency": new.currency,
        "subtotal": new.subtotal_minor,
        "discount": new.discount_minor,
        "shipping": new.shipping_minor,
        "tax": new.tax_minor,
        "tax_included": new.tax_included_minor,
        "shipping_tax": new.shipping_tax_minor,
        "tax_lines": dump(list(new.tax_lines)),
        "total": new.total_minor,
        "credit": new.credit_minor,
        "discounts": dump(list(new.discounts)),
        "shipping_method": dump(columns["shipping_method"]),
        "deliver_from": new.shipping.deliver_from,
        "deliver_to": new.shipping.deliver_to,
        "payment_token": new.payment_token
        and crypto.seal(new.person_key, new.payment_token, payment_token_place(new.id)),
        "payment_method_id": new.payment_method_id,
    }
