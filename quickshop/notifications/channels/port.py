"""What a channel is given and what it answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Message:
    """One message to one address. `id` is the same at every try, so that a receiver can drop a second copy.

    `text` is all of a text message, and the body of a push message whose title is `subject`. `headers` go with a mail.
    """

    id: str
    to: str
    subject: str
    text: str
    html: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    link: str = ""


@dataclass(frozen=True)
class Answer:
    """What became of a message: accepted where there is no `error`; `final` where trying again is of no use."""

    error: str | None = None
    final: bool = False


ACCEPTED = Answer()


class Away(Exception):
    """Nobody is there to take messages, or they do not take ours: says nothing against the messages themselves.

    `met` is true where it happened in the middle of one, which then counts as tried.
    """

    def __init__(self, reason: str, *, met: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.met = met


class Channel(Protocol):
    """Carries messages to the outside world."""

    def send(self, messages: Sequence[Message]) -> Iterator[Answer]:
        """Send them in order; one answer each, as soon as it is known. Raises Away: what has no answer was not sent."""
        ...
