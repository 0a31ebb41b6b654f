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
