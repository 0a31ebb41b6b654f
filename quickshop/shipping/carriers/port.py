"""What the shop needs of a carrier: book a parcel and get its label, and hear what became of parcels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

STATES = ("in_transit", "out_for_delivery", "exception", "delivered", "lost")


class CarrierTrouble(Exception):
    """No answer that can be believed. The same parcel may be booked again under its key: there will be one."""


class CarrierRefused(Exception):
    """The carrier does not take this parcel; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Consignment:
    """A parcel to be carried. `key` names it for good, so that booking twice books once; weight in grams."""

    key: str
    reference: str
    service: str
    weight_grams: int
    address: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Booked:
    """What a carrier gave: its number, where anybody follows the parcel, and the label as a PDF."""

    tracking_number: str = field(repr=False)
    url: str | None = field(default=None, repr=False)
    label: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Seen:
    """Something a carrier says of a parcel: `key` names the event, `parcel` is the consignment's key."""

    key: str
    parcel: str
    state: str
    at: datetime
    code: str | None = None


class Carrier(Protocol):
    """One carrier. Calls are made with no transaction open."""

    def book(self, wanted: Consignment) -> Booked:
        """Book a parcel, or give what was booked under its key. Raises CarrierTrouble, CarrierRefused."""
        ...

    def events(self, cursor: str | None) -> tuple[Sequence[Seen], str | None]:
        """What happened since `cursor`, in the carrier's order, and the next cursor. Raises CarrierTrouble."""
        ...
