"""Paying again after a payment failed: the stock is reserved anew and the order goes back to work."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from quickshop.accounts.people import PersonKey, load_person
from quickshop.inventory import service as inventory
from quickshop.kernel import db
from quickshop.kernel.errors import NotFound
from quickshop.kernel.events import Fact
from quickshop.kernel.outbox import TaskHint
from quickshop.orders import signals, steps
from quickshop.orders.errors import NotPayable
from quickshop.orders.log import Move, move
from quickshop.orders.placing import payment_token_place
from quickshop.orders.priority import queue_of
from quickshop.orders.processing import wake
from quickshop.orders.saved_cards import paying_token
from quickshop.orders.viewers import Viewer
from quickshop.promotions import service as promotions


def pay_again(
    number: str,
    viewer: Viewer,
    payment_token: str | None,
    request_id: str | None,
    payment_method_id: UUID | None = None,
) -> UUID:
    """Start another round of paying, by a token or a saved card of the order's own member; the order's id.

    Raises NotFound, NotPayable, OutOfStock, UsedUp, CreditSpent. Records `order.payment_retried`.
    """
    order = db.row(
        "SELECT id, user_id, person_id, caller, status, payment_status, priority,"
        " total_minor - credit_minor AS due_minor FROM orders WHERE number = :n FOR UPDATE",
        n=number,
    )
    if order is None or not viewer.may_see(order.id, order.user_id):
        raise NotFound("order")
    if (order.status, order.payment_status) != ("payment_failed", "failed"):
        raise NotPayable(f"The order is {order.status}; only one whose payment failed can be paid again.")
    # A statement of its own: whoever held the order's lock before us may have erased the person.
    if not db.scalar("SELECT 1 FROM persons WHERE id = :id AND wrapped_key IS NOT NULL", id=order.person_id):
        raise NotPayable("The person who ordered has been erased; there is nowhere to send this.")
    payer = viewer.user_id if viewer.user_id == order.user_id else None
    token = paying_token(payer, payment_token, payment_method_id, order.due_minor)
    inventory.reserve(order.id, _wanted(order.id))
    promotions.take_again(order.id, order.caller)
    _start_round(order.id, load_person(order.person_id), token, payment_method_id)
    move(
        order.id,
        Move(
            ("payment_failed", "failed"),
            "processing",
            "pending",
            [Fact("order.payment_retried")],
            tasks=[TaskHint("orders.process", queue_of(order.priority), (str(order.id),))],
        ),
        request_id=request_id,
    )
    found: UUID = order.id
    return found


def confirm(number: str, viewer: Viewer) -> UUID:
    """Have a payment that waits for its shopper looked at now; the order's id. Writes; the caller commits.

    Whatever the shopper says of it is not believed: the provider is asked. Raises NotFound.
    """
    order = db.row("SELECT id, user_id, payment_status FROM orders WHERE number = :n", n=number)
    if order is None or not viewer.may_see(order.id, order.user_id):
        raise NotFound("order")
    if order.payment_status in ("pending", "requires_action"):
        wake(order.id)
    found: UUID = order.id
    return found


def _wanted(order_id: UUID) -> dict[UUID, int]:
    lines: list[Any] = db.rows(
        "SELECT variant_id, sum(quantity)::int AS quantity FROM order_lines WHERE order_id = :id GROUP BY variant_id",
        id=order_id,
    )
    return {line.variant_id: line.quantity for line in lines}


def _start_round(order_id: UUID, person: PersonKey, payment_token: str | None, payment_method_id: UUID | None) -> None:
    db.run(
        """
        UPDATE orders SET payment_token = NULL, payment_token_sealed = :token,
            payment_method_id = CAST(:method_id AS uuid), payment_round = payment_round + 1
        WHERE id = :id
        """,
        id=order_id,
        token=payment_token and person.seal(payment_token, payment_token_place(order_id)),
        method_id=payment_method_id,
    )
    signals.note_round(order_id, payment_token)
    steps.start(order_id, "authorize")
