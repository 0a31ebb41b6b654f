"""A member's saved cards as orders see them: which one an order is paid with, and removing one that none needs."""

from __future__ import annotations

from uuid import UUID

from quickshop.kernel import db
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.orders.errors import MethodInUse
from quickshop.payments import methods
from quickshop.payments.methods import payment_method

# Money that is still to come, or to be taken. A payment that failed is tried again with whatever card is there then.
_UNPAID = ("pending", "requires_action", "authorized")


def paying_token(user_id: UUID | None, token: str | None, method_id: UUID | None) -> str:
    """The token to pay with: the given one, or that of a member's own card, which stays until this unit is over.

    Raises NotFound for a card that is not this member's, and Invalid where nothing was named, or both.
    """
    if (token is None) == (method_id is None):
        raise Invalid({"payment": ["Name a token or a saved card."]})
    if method_id is None:
        return str(token)
    if user_id is None:
        raise NotFound("payment method")
    return methods.token_to_pay(user_id, method_id)


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
