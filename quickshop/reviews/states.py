"""The life of a review: held back until staff looked at it, shown, or turned down. Pure."""

from __future__ import annotations

from enum import StrEnum

from quickshop.kernel.states import Machine


class State(StrEnum):
    """Where a review stands. Only published ones are shown and counted."""

    PENDING = "pending"
    PUBLISHED = "published"
    REJECTED = "rejected"


STATE = Machine(
    "state",
    State.PENDING,
    {
        State.PENDING: frozenset({State.PUBLISHED, State.REJECTED}),
        State.PUBLISHED: frozenset({State.PENDING, State.REJECTED}),
        State.REJECTED: frozenset({State.PENDING, State.PUBLISHED}),
    },
)
