"""Places as shipping and tax know them: a country, or a region of it, whose spellings all lead to one key. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from quickshop.accounts.address_rules import region_key, rules_of
from quickshop.accounts.countries import COUNTRIES
from quickshop.kernel.errors import Invalid


@dataclass(frozen=True, order=True)
class Place:
    """A country by its ISO 3166-1 code, and the key of a region of it, or "" for the whole of it."""

    country: str
    region: str = ""


def place_of(address: Mapping[str, Any]) -> Place | None:
    """Where an address is, also one that is still being typed; None without a country that exists."""
    country = str(address.get("country") or "")
    if country not in COUNTRIES:
        return None
    return Place(country, region_key(country, str(address.get("region") or "")))


def checked_place(country: str, region: str) -> Place:
    """The place that staff name. Raises Invalid for a country or region that does not exist."""
    if country not in COUNTRIES:
        raise Invalid({"country": ["Not an ISO country code."]})
    key = region_key(country, region)
    if region.strip() and not key:
        known = rules_of(country).region_example
        raise Invalid({"region": [f"Not a region of this country; one is {known}." if known else "It has no regions."]})
    return Place(country, key)
