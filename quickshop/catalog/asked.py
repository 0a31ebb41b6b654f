"""The currency that a read of the catalogue is asked for."""

from __future__ import annotations

from quickshop.extensions import settings
from quickshop.kernel.errors import Invalid


def other_currency(code: str | None) -> str | None:
    """What a read in this currency asks for: None for the shop's own, which all reads know. Raises Invalid."""
    if code is None or code == settings().base_currency:
        return None
    if code not in settings().currencies:
        raise Invalid({"currency": [f"This shop takes {', '.join(settings().currencies)}."]})
    return code
