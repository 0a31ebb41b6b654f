"""The replay's own diary, one file per shop: what was bought and who was welcomed, so that a cut replay goes on.

Losing it costs time, not correctness: the shop refuses a client_reference it has seen.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson


@dataclass(frozen=True)
class Bought:
    """A purchase that was placed. `number` None: the shop said it had been, before; `sent_at` None: by whom knows."""

    reference: str
    number: str | None
    sent_at: float | None


class Journal:
    """Facts appended as JSON lines, each by one write; a line cut short by a kill is passed over."""

    def __init__(self, folder: Path, shop: str) -> None:
        """`shop` names the shop these facts hold for. Raises OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{shop}.jsonl"
        self.bought: dict[str, Bought] = {}
        self.undone: set[str] = set()
        self.welcomed: set[str] = set()
        self.stocked: set[str] = set()
        self._lock = threading.Lock()
        self._read()
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.write(self._file, b"\n")  # ends a line that was cut short

    def _read(self) -> None:
        if not self.path.exists():
            return
        for line in self.path.read_bytes().splitlines():
            try:
                fact = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            self._apply(fact)

    def _apply(self, fact: dict[str, Any]) -> None:
        match fact.get("fact"):
            case "bought":
                self.bought[fact["reference"]] = Bought(fact["reference"], fact["number"], fact["sent_at"])
            case "undone":
                self.undone.add(fact["reference"])
            case "welcomed":
                self.welcomed.add(fact["customer"])
            case "stocked":
                self.stocked.add(fact["file"])

    def _note(self, fact: dict[str, Any]) -> None:
        with self._lock:
            os.write(self._file, orjson.dumps(fact) + b"\n")
            self._apply(fact)

    def note_bought(self, purchase: Bought) -> None:
        """A purchase is the shop's from here on."""
        self._note(
            {
                "fact": "bought",
                "reference": purchase.reference,
                "number": purchase.number,
                "sent_at": purchase.sent_at,
            }
        )

    def note_undone(self, reference: str) -> None:
        """What a cancelling invoice undoes of a purchase was taken back."""
        self._note({"fact": "undone", "reference": reference})

    def note_welcomed(self, customer: str) -> None:
        """A customer has a verified account."""
        self._note({"fact": "welcomed", "customer": customer})

    def note_stocked(self, file: str) -> None:
        """Everything that this file sells was offered, with stock."""
        self._note({"fact": "stocked", "file": file})

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)
