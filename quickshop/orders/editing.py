"""Editing a paid order before anything of it is packed: fewer units, whose money goes back, or another door in the same
place. Lines and prices stay as they were sold; what comes no more stands beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from quickshop.accounts.address_rules import checked
from quickshop.accounts.people import load_person
from quickshop.inventory import service as inventory
from quickshop.kernel import db
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.events import Fact
from quickshop.kernel.money import money
from quickshop.orders import progress, proving, refunds
from quickshop.orders.errors import NotEditable
from quickshop.orders.giving_back import by_position
from quickshop.orders.log import Move, move
from quickshop.orders.progress import Line
from quickshop.orders.refunds import Back, Given
from quickshop.orders.steps import TOLD

EDIT = "edit"

# Locks as a worker does: the work, then the order.
_LOCK = """
SELECT o.id, o.number, o.person_id, o.status, o.payment_status, o.hold_reason, o.next_action, o.confirmed_at,
       o.packing_at, o.currency, o.country, o.shipping_address
FROM order_processing p JOIN orders o ON o.id = p.order_id WHERE o.number = :number FOR UPDATE
"""


def editable(status: str, confirmed: object, packing_at: object) -> bool:
    """Whether an order may be edited as it stands: it is paid, and nothing of it is packed."""
    return status in ("confirmed", "on_hold") and confirmed is not None and packing_at is None


def edit(
    number: str,
    quantities: Mapping[int, int],
    shipping_address: Mapping[str, Any] | None,
    request_id: str | None,
    *,
    adds: bool = False,
) -> Given | None:
    """Let fewer units come, by the place of their line, and change the address; what goes back, if anything.

    `quantities` are the units that shall come. The address must be in the same country and region, so that shipping
    and tax stay what they were. `adds` says that goods are added by an order of their own. Writes; the caller
    commits. Raises NotFound, NotEditable, Invalid. Records `order.edited`, and what a refund records.
    """
    order = db.row(_LOCK, number=number)
    if order is None:
        raise NotFound("order")
    if not editable(order.status, order.confirmed_at, order.packing_at):
        why = "packed" if order.packing_at else order.status
        raise NotEditable(f"The order is {why}; only what is paid and not packed can be edited.")
    fewer = _fewer(order.id, quantities)
    if shipping_address is not None:
        _readdress(order, shipping_address)
    given = _take_off(order, fewer, request_id) if fewer else None
    if not fewer and shipping_address is None and not adds:
        return None
    said: dict[str, Any] = {
        "units_removed": sum(fewer.values()),
        "address_changed": shipping_address is not None,
        "goods_added": adds,
        "refund": given.number if given else None,
        "amount": money(given.amount_minor if given else 0, order.currency),
    }
    _tell(order.id, said, request_id)
    return given


def _fewer(order_id: UUID, quantities: Mapping[int, int]) -> dict[Line, int]:
    """By how many units each line shrinks. Raises Invalid for more than come, and where none would be left."""
    progress.ensure(order_id)
    lines = {line.position + 1: line for line in progress.lines(order_id)}
    by_position(quantities, {place: line.id for place, line in lines.items()})
    wrong = {
        f"lines.{place}": [f"Between 0 and {lines[place].coming}: goods are added by an order of their own."]
        for place, units in quantities.items()
        if not 0 <= units <= lines[place].coming
    }
    if wrong:
        raise Invalid(wrong)
    fewer = {lines[place]: lines[place].coming - units for place, units in quantities.items()}
    if sum(line.coming for line in lines.values()) == sum(fewer.values()):
        raise Invalid({"lines": ["Nothing would be left: cancel the order instead."]})
    return {line: units for line, units in fewer.items() if units}


def _take_off(order: Any, fewer: Mapping[Line, int], request_id: str | None) -> Given | None:
    progress.change("cancelled", {line.id: units for line, units in fewer.items()})
    wanted: dict[UUID, int] = {}
    for line, units in fewer.items():
        wanted[line.variant_id] = wanted.get(line.variant_id, 0) + units
    inventory.put_back_some(order.id, wanted)
    if not any(line.paid_minor - line.given_back_minor for line in fewer):
        return None  # it cost nothing, or its price went back before
    back = {line.id: Back(units) for line, units in fewer.items()}
    return refunds.give_back(order.id, EDIT, "staff", lines=back, request_id=request_id)


def _readdress(order: Any, shipping_address: Mapping[str, Any]) -> None:
    """Write another address. The digest is made anew, and only where the order was whole before."""
    place = f"orders/shipping_address/{order.id}"
    person = load_person(order.person_id)
    before = person.unseal(order.shipping_address, place)
    after = checked(shipping_address, "shipping_address")
    if any(after.get(name) != before.get(name) for name in ("country", "region")):
        raise Invalid({"shipping_address": ["In another country or region shipping and tax cost something else."]})
    proof = proving.prove(order.number)
    if proof is None or proof.state not in ("whole", "unsigned"):
        raise NotEditable("The order is not as it was placed; look into that first.")
    db.run(
        "UPDATE orders SET shipping_address = :sealed WHERE id = :id",
        sealed=person.seal(dict(after), place),
        id=order.id,
    )
    proving.sign_again(order.id)


def _tell(order_id: UUID, said: dict[str, Any], request_id: str | None) -> None:
    now = db.run(
        "SELECT status, payment_status, hold_reason, next_action FROM orders WHERE id = :id", id=order_id
    ).one()
    told = Move(
        (now.status, now.payment_status),
        now.status,
        now.payment_status,
        [Fact("order.edited", said, consumers=TOLD)],
        hold_reason=now.hold_reason,
        next_action=now.next_action,
    )
    move(order_id, told, request_id=request_id)
