"""What orders refuse."""

from __future__ import annotations

from quickshop.kernel.errors import Conflict


class ReferenceUsed(Conflict):
    """This caller placed an order with this client_reference before."""

    code, title = "client_reference_used", "client_reference used before"


class NotPayable(Conflict):
    """The order does not wait for a payment."""

    code, title = "not_payable", "This order does not wait for a payment"


class MethodInUse(Conflict):
    """An unpaid order uses this card."""

    code, title = "payment_method_in_use", "This card is in use"


class NotCancellable(Conflict):
    """The order can no longer be cancelled."""

    code, title = "not_cancellable", "This order can no longer be cancelled"


class NotRefundable(Conflict):
    """Nothing was taken for the order, or not so much is left of it."""

    code, title = "not_refundable", "This cannot be refunded"


class NotWaiting(Conflict):
    """Nobody is asked whether the order may go on: it was decided, or nothing was wrong with it."""

    code, title = "not_waiting", "This order does not wait for a decision"


class NotHoldable(Conflict):
    """Nothing is left to be done here that a hold could stop."""

    code, title = "not_holdable", "This order cannot be put on hold"


class NotFailed(Conflict):
    """Nothing of the order was given up, and nothing waits for another try."""

    code, title = "not_failed", "There is nothing to try again"


class NotShippable(Conflict):
    """The order, or what was asked of it, cannot be packed or sent as it stands."""

    code, title = "not_shippable", "This cannot be packed or sent"


class NotEditable(Conflict):
    """The order is not paid, or something of it is packed: what it holds stays as it is."""

    code, title = "not_editable", "This order cannot be edited"
