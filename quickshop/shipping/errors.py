"""What shipping refuses."""

from __future__ import annotations

from quickshop.kernel.errors import Conflict


class ZoneInUse(Conflict):
    """Methods serve the zone."""

    code, title = "zone_in_use", "Methods serve this zone"


class PlaceTaken(Conflict):
    """A place lies in one zone."""

    code, title = "place_taken", "A place lies in one zone"
