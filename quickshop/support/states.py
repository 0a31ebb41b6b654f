"""The life of a ticket: whose turn it is, and when it is over. Pure."""

from __future__ import annotations

from enum import StrEnum

from quickshop.kernel.states import Machine


class State(StrEnum):
    """Where a conversation stands. A closed one takes nothing more from its shopper; staff may open it again."""

    OPEN = "open"  # staff have to answer
    ANSWERED = "answered"  # the shopper has an answer
    SOLVED = "solved"  # staff think it is over; a word of the shopper opens it again
    CLOSED = "closed"


class Side(StrEnum):
    """Who wrote a message. A note is by staff and for staff."""

    CUSTOMER = "customer"
    STAFF = "staff"
    NOTE = "note"


STATE = Machine(
    "state",
    State.OPEN,
    {
        State.OPEN: frozenset({State.ANSWERED, State.SOLVED, State.CLOSED}),
        State.ANSWERED: frozenset({State.OPEN, State.SOLVED, State.CLOSED}),
        State.SOLVED: frozenset({State.OPEN, State.ANSWERED, State.CLOSED}),
        State.CLOSED: frozenset({State.OPEN}),
    },
)
