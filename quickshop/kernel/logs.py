"""What processes write about themselves: one line of JSON each, in UTC, with the request's id and without secrets.

Whatever is logged passes the redactor: tokens, addresses, numbers of cards and phones do not get through, wherever
they came from. Needs nothing of the application, so that servers can use it before they load one.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

import orjson

from quickshop.kernel import tracing
from quickshop.kernel.cards import passes_luhn

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # What PostgreSQL adds to an error shows the values of a row.
    (re.compile(r"^(DETAIL|CONTEXT):.*$", re.MULTILINE), r"\1: [hidden]"),
    (re.compile(r"(\w+://[^:/?#\s@]*):[^@\s]+@"), r"\1:[hidden]@"),
    (re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]+", re.IGNORECASE), r"\1 [token]"),
    (re.compile(r"\beyJ[\w-]+(?:\.[\w-]*)*"), "[token]"),
    (
        re.compile(
            r"""\b(password\w*|passwd|secret\w*|\w*token|api_?key|authorization|cookie|challenge)(["']?\s*[=:]\s*["']?)"""
            r"""[^\s"',;&)}\]]+""",
            re.IGNORECASE,
        ),
        r"\1\2[hidden]",
    ),
    (re.compile(r"\b(?:tok|pm|qsk|sk|whsec)_[\w:-]+"), "[token]"),
    # The tokens of carts and orders, and opaque ones: mailed, refresh and push tokens, digests.
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[0-9a-f]{32}\b"), "[token]"),
    (re.compile(r"(?<![\w-])(?=[\w-]*[A-Z0-9])[\w-]{40,}(?![\w-])"), "[token]"),
    (re.compile(r"[^\s@\"'<>(),;:=\[\]]+@[^\s@\"'<>(),;:\[\]]+\.[\w-]+"), "[email]"),
    (re.compile(r"(?<![\w.-])(?:\+|00)\d(?:[ ().-]{0,2}\d){6,14}(?!\d)"), "[phone]"),
    (re.compile(r"(?<![\w.-])\(?0\d{1,4}\)?[ .-]\d{3,4}[ .-]?\d{3,4}(?![\w-])"), "[phone]"),
)
_CARD = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)")
_LONGEST = 16_000
# JSON lets these stand, and some readers end a line at them.
_BREAKS = {number: f"\\u{number:04x}" for number in (0x7F, 0x85, 0x2028, 0x2029)}


def _card(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found[0])
    return "[card]" if passes_luhn(digits) else found[0]


def redact(text: str) -> str:
    """The text without what must not be written down: tokens, passwords, e-mail addresses, phone and card numbers."""
    text = _CARD.sub(_card, text)
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    return text


class JsonLines(logging.Formatter):
    """A record as one line of JSON: at, level, logger, message, request_id, and the trace of an error."""

    def format(self, record: logging.LogRecord) -> str:
        """The line. Line breaks inside of it are written as JSON writes them, so nobody can forge another line."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": redact(record.getMessage())[:_LONGEST],
        }
        request_id = tracing.request_id()
        if request_id:
            line["request_id"] = request_id
        if record.exc_info and record.exc_info[0] is not None:
            trace = "".join(traceback.format_exception(*record.exc_info))
            line["error"] = redact(trace)[-_LONGEST:]
        return orjson.dumps(line).decode().translate(_BREAKS)


class AccessLines(logging.Formatter):
    """A line that is JSON already, without what its address gives away."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return redact(record.getMessage())


def _uncaught(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger("quickshop").critical("uncaught", exc_info=(kind, error, trace))


def install(level: int = logging.INFO) -> None:
    """Have all of this process' logging, warnings and uncaught errors leave as lines of JSON on standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
