"""Reading the lines that the shop's processes log, for people: `quickshop.kernel.logs` writes them."""

from __future__ import annotations

import json
from dataclasses import dataclass

_SHOWN = ("WARNING", "ERROR", "CRITICAL")


@dataclass(frozen=True)
class Told:
    """A line in words, and whether it matters to somebody who watches the shop."""

    readable: str
    important: bool


def parse(line: str) -> Told | None:
    """What a line of JSON says; None for a line of another form."""
    if not line.startswith("{"):
        return None
    try:
        said = json.loads(line)
        level, message = str(said["level"]), str(said["message"])
    except (ValueError, KeyError, TypeError):
        return None
    # The trace's end says what went wrong; all of it is in the log.
    trace = str(said.get("error", "")).strip().splitlines()
    why = f" ({trace[-1].strip()})" if trace else ""
    return Told(f"{level} {said.get('logger', '')}: {message}{why}", level in _SHOWN)


def readable(line: str) -> str:
    """A line in words, whatever form it has."""
    told = parse(line)
    return told.readable if told else line
