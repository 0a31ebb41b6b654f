"""The development mailbox: messages are appended to a file, one JSON line each. And the sink, which drops them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson

from quickshop.kernel import clock
from quickshop.notifications.channels.port import ACCEPTED, Answer, Away, Message


class FileChannel:
    """Appends {channel, to, subject, text, html, at} lines, all of a call in one write."""

    def __init__(self, path: Path, channel: str = "email") -> None:
        self._path = path
        self._channel = channel

    def send(self, messages: Sequence[Message]) -> Iterator[Answer]:
        """See Channel.send."""
        lines = b"".join(self._line(m) for m in messages)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(handle, lines)
            finally:
                os.close(handle)
        except OSError as error:
            raise Away(f"{type(error).__name__}: {error.strerror}") from None
        yield from [ACCEPTED] * len(messages)

    def _line(self, message: Message) -> bytes:
        return orjson.dumps(
            {
                "channel": self._channel,
                "id": message.id,
                "to": message.to,
                "subject": message.subject,
                "text": message.text,
                "html": message.html,
                "headers": dict(message.headers),
                "link": message.link,
                "at": clock.rfc3339(clock.now()),
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )


class SinkChannel:
    """Accepts everything and sends nothing."""

    def send(self, messages: Sequence[Message]) -> Iterator[Answer]:
        """See Channel.send."""
        yield from [ACCEPTED] * len(messages)
