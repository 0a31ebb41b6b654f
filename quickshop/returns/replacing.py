"""The order that brings another one for what came back: at no charge, to the same address, made as all orders are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from quickshop.accounts.people import PersonKey, email_index, person_key
from quickshop.inventory import service as inventory
from quickshop.kernel import db
from quickshop.kernel.clock import now
from quickshop.kernel.errors import NotFound
from quickshop.kernel.ids import new_id
from quickshop.orders.placing import NewLine, NewOrder, place
from quickshop.shipping.rules import Offer


@dataclass(frozen=True)
class Replacement:
    """The order that was made."""

    id: UUID
    number: str


_BEFORE = """
SELECT o.caller, o.email, o.shipping_address, o.billing_address, o.shipping_method, o.currency,
       o.deliver_from - CAST(o.placed_at AS date) AS first_day, o.deliver_to - CAST(o.placed_at AS date) AS last_day,
       coalesce(u.vip, false) AS vip
FROM orders o LEFT JOIN users u ON u.id = o.user_id WHERE o.id = :id
"""


def place_replacement(order: Any, wanted: Mapping[UUID, int], request_id: str | None) -> Replacement:
    """Place an order of these variants at no charge for the person of `order`, which is locked.

    Raises NotFound for an erased person or a variant that is gone, OutOfStock. Records `order.placed`.
    """
    before = db.run(_BEFORE, id=order.id).one()
    person = person_key(order.person_id, order.key_id, order.wrapped_key)
    made = Replacement(new_id(), str(db.scalar("SELECT 'QS-' || nextval('order_numbers')")))
    cart_id = _cart_of(order, made.id)
    inventory.reserve(made.id, wanted)
    place(_new_order(order, before, person, made, cart_id, _lines(wanted), request_id))
    # Nobody pays, so there is nothing to be judged; and it says nothing of how often somebody buys.
    db.run("DELETE FROM order_signals WHERE order_id = :id", id=made.id)
    return made


def _cart_of(order: Any, made_id: UUID) -> UUID:
    cart_id = new_id()
    db.run(
        "INSERT INTO carts (id, user_id, state, order_id) VALUES (:id, :user, 'ordered', :order)",
        id=cart_id,
        user=order.user_id,
        order=made_id,
    )
    return cart_id


def _lines(wanted: Mapping[UUID, int]) -> list[NewLine]:
    found = {
        row.id: row
        for row in db.rows(
            "SELECT v.id, v.sku, v.options, p.name FROM variants v JOIN products p ON p.id = v.product_id"
            " WHERE v.id = ANY(:ids)",
            ids=list(wanted),
        )
    }
    if len(found) < len(wanted):
        raise NotFound("variant")
    return [
        NewLine(variant, found[variant].sku, found[variant].name, found[variant].options, units, 0, 0)
        for variant, units in wanted.items()
    ]


def _new_order(
    order: Any,
    before: Any,
    person: PersonKey,
    made: Replacement,
    cart_id: UUID,
    lines: list[NewLine],
    request_id: str | None,
) -> NewOrder:
    email = person.unseal(before.email, f"orders/email/{order.id}")
    today = now().date()
    way = before.shipping_method
    return NewOrder(
        id=made.id,
        cart_id=cart_id,
        number=made.number,
        caller=before.caller,
        user_id=order.user_id,
        person_id=order.person_id,
        person_key=person.key,
        vip=before.vip,
        spent={},
        email=email,
        email_index=email_index(email),
        shipping_address=person.unseal(before.shipping_address, f"orders/shipping_address/{order.id}"),
        billing_address=person.unseal(before.billing_address, f"orders/billing_address/{order.id}"),
        lines=lines,
        currency=before.currency,
        subtotal_minor=0,
        discount_minor=0,
        shipping_minor=0,
        tax_minor=0,
        total_minor=0,
        shipping=Offer(
            way["code"],
            way["name"],
            0,
            today + timedelta(days=before.first_day),
            today + timedelta(days=before.last_day),
            way.get("kind", "delivery"),
            way.get("note", ""),
        ),
        payment_token=None,
        client_reference=None,
        request_id=request_id,
    )
