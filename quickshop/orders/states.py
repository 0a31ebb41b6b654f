"""The three fields of an order's life and which value may follow which. The database holds the same tables."""

from __future__ import annotations

from enum import StrEnum

from quickshop.kernel.states import Machine


class Status(StrEnum):
    """Where the order as a whole stands."""

    PLACED = "placed"
    PROCESSING = "processing"
    ON_HOLD = "on_hold"
    CONFIRMED = "confirmed"
    PAYMENT_FAILED = "payment_failed"
    CANCELLED = "cancelled"
    COMPLETED = "completed"


class PaymentStatus(StrEnum):
    """Where the money is."""

    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    FAILED = "failed"
    VOIDED = "voided"


class FulfilmentStatus(StrEnum):
    """Where the goods are."""

    UNFULFILLED = "unfulfilled"
    PARTIALLY_SHIPPED = "partially_shipped"
    SHIPPED = "shipped"
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERED = "delivered"
    PARTIALLY_RETURNED = "partially_returned"
    RETURNED = "returned"


class HoldReason(StrEnum):
    """Why an order waits for a person."""

    FRAUD_REVIEW = "fraud_review"
    SHOPPER_CONFIRMATION = "shopper_confirmation"
    NEEDS_REVIEW = "needs_review"
    STAFF = "staff"


S, P, F = Status, PaymentStatus, FulfilmentStatus

STATUS = Machine(
    "status",
    S.PLACED,
    {
        S.PLACED: frozenset({S.PROCESSING, S.ON_HOLD, S.CANCELLED}),
        S.PROCESSING: frozenset({S.CONFIRMED, S.PAYMENT_FAILED, S.ON_HOLD, S.CANCELLED}),
        S.ON_HOLD: frozenset({S.PLACED, S.PROCESSING, S.CONFIRMED, S.CANCELLED}),
        S.PAYMENT_FAILED: frozenset({S.PROCESSING, S.CANCELLED}),
        S.CONFIRMED: frozenset({S.COMPLETED, S.ON_HOLD, S.CANCELLED}),
        S.CANCELLED: frozenset(),
        S.COMPLETED: frozenset(),
    },
)

PAYMENT_STATUS = Machine(
    "payment_status",
    P.PENDING,
    {
        P.PENDING: frozenset({P.REQUIRES_ACTION, P.AUTHORIZED, P.FAILED, P.VOIDED}),
        P.REQUIRES_ACTION: frozenset({P.PENDING, P.AUTHORIZED, P.FAILED, P.VOIDED}),
        P.AUTHORIZED: frozenset({P.CAPTURED, P.VOIDED, P.FAILED}),
        P.CAPTURED: frozenset({P.PARTIALLY_REFUNDED, P.REFUNDED}),
        P.PARTIALLY_REFUNDED: frozenset({P.REFUNDED}),
        P.FAILED: frozenset({P.PENDING, P.VOIDED}),
        P.REFUNDED: frozenset(),
        P.VOIDED: frozenset(),
    },
)

# Goods may also come back a step: a parcel that is lost was never sent, what was delivered may return before the rest
# has left the house.
FULFILMENT_STATUS = Machine(
    "fulfilment_status",
    F.UNFULFILLED,
    {
        F.UNFULFILLED: frozenset({F.PARTIALLY_SHIPPED, F.SHIPPED, F.OUT_FOR_DELIVERY, F.DELIVERED}),
        F.PARTIALLY_SHIPPED: frozenset(
            {F.UNFULFILLED, F.SHIPPED, F.OUT_FOR_DELIVERY, F.DELIVERED, F.PARTIALLY_RETURNED, F.RETURNED}
        ),
        F.SHIPPED: frozenset(
            {F.UNFULFILLED, F.PARTIALLY_SHIPPED, F.OUT_FOR_DELIVERY, F.DELIVERED, F.PARTIALLY_RETURNED}
        ),
        F.OUT_FOR_DELIVERY: frozenset(
            {F.UNFULFILLED, F.PARTIALLY_SHIPPED, F.SHIPPED, F.DELIVERED, F.PARTIALLY_RETURNED}
        ),
        F.DELIVERED: frozenset({F.PARTIALLY_RETURNED, F.RETURNED}),
        F.PARTIALLY_RETURNED: frozenset({F.RETURNED}),
        F.RETURNED: frozenset(),
    },
)

MACHINES = (STATUS, PAYMENT_STATUS, FULFILMENT_STATUS)
