"""The life of a return: which state may follow which, what it may end in, and why things come back. Pure."""

from __future__ import annotations

from enum import StrEnum

from quickshop.kernel.states import Machine


class State(StrEnum):
    """Where a return stands. `received` still waits for what the shopper gets; the last four are its ends."""

    REQUESTED = "requested"
    APPROVED = "approved"
    RECEIVED = "received"
    REFUNDED = "refunded"
    EXCHANGED = "exchanged"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class Resolution(StrEnum):
    """What the shopper wants for what comes back."""

    REFUND = "refund"
    CREDIT = "credit"
    EXCHANGE = "exchange"


class Reason(StrEnum):
    """Why a line comes back."""

    DAMAGED = "damaged"
    FAULTY = "faulty"
    WRONG_ITEM = "wrong_item"
    NOT_AS_DESCRIBED = "not_as_described"
    TOO_SMALL = "too_small"
    TOO_LARGE = "too_large"
    LATE = "late"
    CHANGED_MIND = "changed_mind"
    OTHER = "other"


# The shop's fault: a longer time, and the shipping back where everything comes back.
FAULTS = frozenset({Reason.DAMAGED, Reason.FAULTY, Reason.WRONG_ITEM, Reason.NOT_AS_DESCRIBED})

S = State

MACHINE = Machine(
    "return",
    S.REQUESTED,
    {
        S.REQUESTED: frozenset({S.APPROVED, S.REJECTED, S.WITHDRAWN}),
        S.APPROVED: frozenset({S.RECEIVED, S.REJECTED, S.WITHDRAWN}),
        S.RECEIVED: frozenset({S.REFUNDED, S.EXCHANGED, S.REJECTED}),
        S.REFUNDED: frozenset(),
        S.EXCHANGED: frozenset(),
        S.REJECTED: frozenset(),
        S.WITHDRAWN: frozenset(),
    },
)

# Not at its end: units are promised to it, or money is owed.
OPEN = (S.REQUESTED, S.APPROVED, S.RECEIVED)
