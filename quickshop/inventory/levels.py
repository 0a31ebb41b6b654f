"""How stock is told to whoever looks at a product: exactly while there is little of it, else as "many". Pure."""

from __future__ import annotations

EXACT_UP_TO = 20
LOW_UP_TO = 5
MANY = "many"


def shown(available: int) -> int | str:
    """The units to tell of: their number up to 20, else "many"."""
    return MANY if available > EXACT_UP_TO else max(available, 0)


def low(available: int) -> bool:
    """Whether there are few left, but some."""
    return 0 < available <= LOW_UP_TO
