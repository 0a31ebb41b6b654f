"""A state machine as data: which state may follow which, checked when it is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from quickshop.kernel.errors import Conflict


class WrongState(Conflict):
    """The change asked for cannot follow the present state."""

    code, title = "wrong_state", "Not possible in the present state"


@dataclass(frozen=True)
class Machine:
    """Allowed transitions of one field. Every state must be reachable from `start`."""

    name: str
    start: StrEnum
    moves: Mapping[StrEnum, frozenset[StrEnum]]

    def __post_init__(self) -> None:
        states = set(type(self.start))
        unknown = states - set(self.moves)
        if unknown:
            raise ValueError(f"{self.name}: no moves listed for {sorted(unknown)}")
        reached, todo = {self.start}, [self.start]
        while todo:
            fresh = self.moves[todo.pop()] - reached
            reached |= fresh
            todo.extend(fresh)
        if reached != states:
            raise ValueError(f"{self.name}: unreachable {sorted(states - reached)}")

    def check(self, before: str, after: str) -> None:
        """Raise WrongState unless `after` may follow `before`."""
        kind = type(self.start)
        if kind(after) not in self.moves[kind(before)]:
            raise WrongState(f"{self.name} cannot go from {before} to {after}.", state=before)

    def sources(self, after: str) -> list[str]:
        """Every state from which `after` may follow; used in conditional updates."""
        return [str(s) for s, targets in self.moves.items() if type(self.start)(after) in targets]
