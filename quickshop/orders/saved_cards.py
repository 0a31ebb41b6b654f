"""A member's saved cards as orders see them: which one an order is paid with, and removing one that none needs."""

from __future__ import annotations

import logging
from uuid import UUID

from quickshop.extensions import settings
from quickshop.kernel import db
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.orders.errors import MethodInUse
from quickshop.payments import forgetting, methods
from quickshop.payments.gateways.port import AnswerState
from quickshop.payments.gateways.registry import UnknownProvider, gateway_for
from quickshop.payments.methods import payment_method

log = logging.getLogger(__name__)

# Money that is still to come, or to be taken. A payment that failed is tried again with whatever card is there then.
_UNPAID = ("pending", "requires_action", "authorized")


def paying_token(user_id: UUID | None, token: str | None, method_id: UUID | None, due_minor: int) -> str | None:
    """The token to pay with: the given one, or that of a member's own card, which stays until this unit is over.

    None where nothing is due and nothing was named. Raises NotFound for a card that is not this member's, and Invalid
    where something is due and nothing was named, or both were.
    """
    if token is None and method_id is None and due_minor == 0:
        return None
    if (token is None) == (method_id is None):
        raise Invalid({"payment": ["Name a token or a saved card."]}, "Please choose how to pay.")
    if method_id is None:
        return str(token)
    if user_id is None:
        raise NotFound("payment method")
    return methods.token_to_pay(user_id, method_id)


def forget_card(user_id: UUID, method_id: UUID) -> None:
    """Forget a member's card here, then have its provider keep it no more. Runs its own units, around that call.

    A provider that does not answer is asked again by a worker. Raises NotFound, MethodInUse. Facts:
    account.payment_method_removed.
    """
    with reading():
        provider, token = methods.kept_at(user_id, method_id)
    run_unit(lambda: remove_method(user_id, method_id))
    try:
        answer = gateway_for(provider, settings()).forget(token)
    except UnknownProvider:
        log.warning("nobody answers for the cards kept at %s", provider)
        return
    if answer.state is AnswerState.UNKNOWN:
        log.warning("%s did not say whether it keeps a card no more: %s", provider, answer.code)
        run_unit(lambda: forgetting.leave(provider, token))


def remove_method(user_id: UUID, method_id: UUID) -> None:
    """Forget a member's card; the default passes to the newest one left. Writes; the caller commits.

    Raises NotFound, MethodInUse. Facts: account.payment_method_removed.
    """
    methods.lock(user_id)
    payment_method(user_id, method_id)
    number = db.scalar(
        """
        SELECT number FROM orders WHERE payment_method_id = :id AND payment_status = ANY(:unpaid)
            AND status <> 'cancelled' ORDER BY placed_at LIMIT 1
        """,
        id=method_id,
        unpaid=list(_UNPAID),
    )
    if number is not None:
        raise MethodInUse(f"Order {number} is still to be paid with this card.", order=number)
    methods.drop(user_id, method_id)
