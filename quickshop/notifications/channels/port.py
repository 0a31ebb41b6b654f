"""What a channel is given and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Message:
    """One message to one address. `id` is the same at every try, so that a receiver can drop a second copy."""

    id: str
    to: str
    subject: str
    text: str
    html: str


class Channel(Protocol):
    """Carries messages. Never raises for trouble outside; says per message what went wrong, or None."""

    def send(self, messages: Sequence[Message]) -> list[str | None]:
        """Send all; one entry per message: None when accepted, else a short reason."""
        ...
