"""Which carrier answers to which name. `manual` parcels are taken to a carrier by hand, `pickup` ones are fetched."""

from __future__ import annotations

import os

from quickshop.config import Settings
from quickshop.kernel import db
from quickshop.shipping.carriers.port import Carrier
from quickshop.shipping.carriers.simulator import SimulatedCarrier

SIMULATOR, MANUAL, PICKUP = "simulator", "manual", "pickup"

_carriers: dict[tuple[int, str, str], Carrier] = {}


def carrier_for(name: str, settings: Settings) -> Carrier | None:
    """The carrier of a name; None for one that is told of by staff alone."""
    if name != SIMULATOR or not settings.carrier_url:
        return None
    # A forked worker opens connections of its own.
    place = (os.getpid(), name, settings.carrier_url)
    return _carriers.setdefault(place, SimulatedCarrier(settings.carrier_url, db.in_transaction))


def usual_carrier(settings: Settings, method_kind: str) -> str:
    """Who carries a parcel where staff do not say."""
    return PICKUP if method_kind == "pickup" else settings.carrier
