"""The simulated carrier: takes parcels, gives labels, and says what becomes of them, by itself or as it is driven.

A parcel that nobody drives goes on by a step every so many seconds until it is delivered. State is the journal's: who
reads it again after a kill finds the same parcels and events, and the step that is due follows by the clock.
"""

from __future__ import annotations

import base64
import secrets
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from quickshop.runtime.doubles.journal import Journal
from quickshop.runtime.doubles.labels import label
from quickshop.runtime.doubles.refusals import Refused

ROAD = ("label", "in_transit", "out_for_delivery", "delivered")
STATES = (*ROAD[1:], "exception", "lost")
_ADDRESS = ("name", "line1", "city", "postal_code", "country")
ENDED = ("delivered", "lost")
_FOLLOWING = dict(pairwise(ROAD)) | {"exception": "out_for_delivery"}


@dataclass
class Parcel:
    """A parcel as the carrier knows it. `due` is when it goes on by itself (seconds since 1970)."""

    key: str
    reference: str
    tracking_number: str
    to: dict[str, str]
    state: str = "label"
    due: float = 0.0
    driven: bool = False
    events: list[dict[str, Any]] = field(default_factory=list)


class Carrier:
    """The carrier over one journal. `step` is the pause between two states in seconds; 0: parcels are driven only."""

    def __init__(self, journal: Journal, step: float, url: str) -> None:
        self._journal, self._step, self._url = journal, step, url
        self._lock = threading.Lock()
        self.parcels: dict[str, Parcel] = {}
        self._by_number: dict[str, Parcel] = {}
        self.log: list[dict[str, Any]] = []
        for record in journal.records():
            self._apply(record)

    def book(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Take a parcel once per key: {key, reference, service, weight_grams, to}. Raises Refused."""
        key, to = _text(wanted, "key"), wanted.get("to")
        # Not everywhere are there postal codes.
        if not isinstance(to, dict) or not (to.get("line1") and to.get("country")):
            raise Refused(422, "address_incomplete", "to needs line1 and country.")
        with self._lock:
            if key not in self.parcels:
                number = f"QC{secrets.randbelow(10**12):012d}"
                told = {
                    name: str(to.get(name, ""))[:200] for name in ("name", "line1", "city", "postal_code", "country")
                }
                self._write({"kind": "parcel", "key": key, "reference": _text(wanted, "reference"), "number": number}
                            | {"to": told, "at": time.time()})  # fmt: skip
            return self._booked(self.parcels[key])

    def _booked(self, parcel: Parcel) -> dict[str, Any]:
        to = parcel.to
        lines = [parcel.tracking_number, parcel.reference, to["name"], to["line1"]]
        pdf = label([*lines, f"{to['postal_code']} {to['city']}", to["country"]])
        return {
            "tracking_number": parcel.tracking_number,
            "url": f"{self._url}/carrier?number={parcel.tracking_number}",
            "label": base64.b64encode(pdf).decode(),
        }

    def events(self, after: int, limit: int) -> list[dict[str, Any]]:
        """What happened after the event `after`, in order."""
        with self._lock:
            self._go_on()
            return self.log[after : after + limit]

    def drive(self, number: str, state: str, code: str | None = None) -> Parcel:
        """Say what becomes of a parcel from now on; it stops going on by itself. Raises Refused."""
        with self._lock:
            self._go_on()
            parcel = self._by_number.get(number)
            if parcel is None:
                raise Refused(404, "not_found", "No such parcel.")
            if state not in STATES:
                raise Refused(400, "invalid_request", f"state is one of {', '.join(STATES)}.")
            if parcel.state in ENDED:
                raise Refused(409, "ended", f"The parcel is {parcel.state}.")
            self._happen(parcel, state, code, driven=True)
            return parcel

    def list(self, number: str | None = None) -> list[dict[str, Any]]:
        """Every parcel, or one by its number, newest first."""
        with self._lock:
            self._go_on()
            found = [p for p in self.parcels.values() if number in (None, p.tracking_number)]
            return [
                {"tracking_number": p.tracking_number, "key": p.key, "reference": p.reference, "state": p.state}
                | {"country": p.to["country"], "events": p.events}
                for p in reversed(found)
            ]

    def _go_on(self) -> None:
        now = time.time()
        for parcel in list(self.parcels.values()) if self._step else ():
            while not parcel.driven and parcel.state in _FOLLOWING and parcel.due <= now:
                self._happen(parcel, _FOLLOWING[parcel.state], None, at=parcel.due)

    def _happen(
        self, parcel: Parcel, state: str, code: str | None, *, at: float | None = None, driven: bool = False
    ) -> None:
        moment = time.time() if at is None else at
        self._write({"kind": "event", "key": parcel.key, "state": state, "code": code, "at": moment, "driven": driven})

    def _write(self, record: dict[str, Any]) -> None:
        self._journal.append(record)
        self._apply(record)

    def _apply(self, record: dict[str, Any]) -> None:
        if record["kind"] == "parcel":
            parcel = Parcel(record["key"], record["reference"], record["number"], record["to"])
            self.parcels[parcel.key] = self._by_number[parcel.tracking_number] = parcel
        else:
            parcel = self.parcels[record["key"]]
            parcel.state, parcel.driven = record["state"], parcel.driven or record["driven"]
            at = datetime.fromtimestamp(record["at"], UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            event = {
                "id": len(self.log) + 1,
                "key": parcel.key,
                "state": parcel.state,
                "code": record["code"],
                "at": at,
            }
            self.log.append(event)
            parcel.events.append(event)
        parcel.due = record["at"] + self._step


def _text(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= 255:
        raise Refused(422, "invalid_request", f"{name} must be a text of 1 to 255 characters.")
    return value
