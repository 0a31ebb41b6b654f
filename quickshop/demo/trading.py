"""How the demo shop ships and taxes: zones, ways of shipping, days without work, classes and rates of tax.

Prices include tax, so the rates say how much of a total is tax and move no total. They are those of 2026, for a
demonstration: nobody should owe tax by them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time

from quickshop.demo.catalogue import CURRENCY
from quickshop.extensions import settings
from quickshop.shipping import queries as shipping
from quickshop.shipping.rules import Band, Method
from quickshop.shipping.service import set_holiday, set_method, set_shop_day, set_zone
from quickshop.tax import queries as taxes
from quickshop.tax.rules import STANDARD, millionths_of
from quickshop.tax.service import set_class, set_rate

REDUCED = "reduced"
REDUCED_CATEGORIES = frozenset({"food-drink"})

_EUROPE = (
    "AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GR", "HR", "HU", "IE", "IT", "LT",
    "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
)  # fmt: skip
ZONES = (
    ("home", "United States", ("US",)),
    ("north", "Canada and Mexico", ("CA", "MX")),
    ("europe", "Europe", _EUROPE),
    ("world", "Everywhere else", ("*",)),
)

_SHOP = "1 Market Street, New York; open Monday to Friday, 9 to 18."
METHODS = (
    Method("standard", "Standard delivery", CURRENCY, 499, 5000, 2, 4),
    Method("express", "Express delivery", CURRENCY, 1299, None, 1, 1, zone="home"),
    Method(
        "express-north", "Express to Canada and Mexico", CURRENCY, 1999, None, 2, 3, zone="north",
        priced_by="weight", bands=(Band(2_000, 2999), Band(10_000, 5999)), max_weight_grams=30_000,
    ),
    Method(
        "express-europe", "Express to Europe", CURRENCY, 2499, None, 2, 4, zone="europe",
        priced_by="weight", bands=(Band(2_000, 3499), Band(10_000, 6999)), max_weight_grams=30_000,
    ),
    Method(
        "pickup", "Pick up at the shop", CURRENCY, 0, None, 0, 1, kind="pickup",
        note=_SHOP,
    ),
)  # fmt: skip

# In other currencies: standard delivery, from which value it is free, express to Europe and its bands by weight.
_ELSEWHERE = {
    "EUR": (450, 4500, 2299, (Band(2_000, 3199), Band(10_000, 6499))),
    "GBP": (390, 4000, 1999, (Band(2_000, 2799), Band(10_000, 5499))),
}

HOLIDAYS = ((1, 1, "New Year's Day"), (7, 4, "Independence Day"), (12, 25, "Christmas Day"))
YEARS = range(2026, 2031)

# country: standard rate, reduced rate (None: not taxed)
_VAT: dict[str, tuple[str, str | None]] = {
    "AT": ("20", "10"), "BE": ("21", "6"), "CH": ("8.1", "2.6"), "CZ": ("21", "12"), "DE": ("19", "7"),
    "DK": ("25", None), "ES": ("21", "10"), "FI": ("25.5", "14"), "FR": ("20", "5.5"), "GB": ("20", None),
    "GR": ("24", "13"), "HU": ("27", "18"), "IE": ("23", "13.5"), "IT": ("22", "10"), "LU": ("17", "8"),
    "NL": ("21", "9"), "NO": ("25", "15"), "PL": ("23", "8"), "PT": ("23", "13"), "RO": ("21", "11"),
    "SE": ("25", "12"), "SK": ("23", "19"),
}  # fmt: skip
_STATES = {
    "CA": "7.25", "CO": "2.9", "FL": "6", "GA": "4", "IL": "6.25", "MA": "6.25", "MD": "6", "MI": "6", "NC": "4.75",
    "NJ": "6.625", "NV": "6.85", "NY": "4", "OH": "5.75", "PA": "6", "TX": "6.25", "VA": "5.3", "WA": "6.5",
}  # fmt: skip
_HARMONISED = {"NB": "15", "NL": "15", "NS": "14", "ON": "13", "PE": "15"}  # in place of the federal tax
_PROVINCIAL = {"BC": ("PST", "7"), "MB": ("RST", "7"), "QC": ("QST", "9.975"), "SK": ("PST", "6")}  # on top of it


def _methods() -> list[Method]:
    """The ways of shipping in every currency that the shop takes."""
    found = list(METHODS)
    for code in settings().other_currencies:
        if code not in _ELSEWHERE:
            continue
        price, free_from, express, bands = _ELSEWHERE[code]
        suffix = code.lower()
        found += [
            Method(f"standard-{suffix}", "Standard delivery", code, price, free_from, 2, 4),
            Method(
                f"express-europe-{suffix}", "Express to Europe", code, express, None, 2, 4, zone="europe",
                priced_by="weight", bands=bands, max_weight_grams=30_000,
            ),
            Method(f"pickup-{suffix}", "Pick up at the shop", code, 0, None, 0, 1, kind="pickup", note=_SHOP),
        ]  # fmt: skip
    return found


def seed_shipping() -> None:
    """Make those zones and ways of shipping that are missing; the shop's day and holidays where there are none."""
    zones = {zone["code"] for zone in shipping.list_zones()}
    for position, (code, name, places) in enumerate(ZONES):
        if code not in zones:
            set_zone(code, name, places, position)
    there = {method["code"] for method in shipping.list_methods()}
    for position, method in enumerate(_methods()):
        if method.code not in there:
            set_method(method, position)
    if not zones:
        set_shop_day(
            timezone="America/New_York",
            cut_off=time(14),
            handling_days=0,
            working_days=range(1, 6),
            orders_per_day=None,
            home_country="US",
            home_region="NY",
        )
        for year in YEARS:
            for month, day, name in HOLIDAYS:
                set_holiday(date(year, month, day), name)


def seed_tax() -> None:
    """Make the classes and rates, where there are none yet."""
    if taxes.list_rates():
        return
    set_class(REDUCED, "Reduced (food)", 1)
    for tax_class, country, region, name, rate, replaces in _rates():
        set_rate(
            None,
            tax_class=tax_class,
            country=country,
            region=region,
            name=name,
            millionths=millionths_of(rate),
            replaces=replaces,
        )


def _rates() -> Iterator[tuple[str, str, str, str, str, bool]]:
    for country, (standard, reduced) in _VAT.items():
        yield STANDARD, country, "", "VAT", standard, False
        if reduced is not None:
            yield REDUCED, country, "", "VAT", reduced, False
    for state, rate in _STATES.items():
        yield STANDARD, "US", state, "Sales tax", rate, False
    yield STANDARD, "CA", "", "GST", "5", False
    for province, rate in _HARMONISED.items():
        yield STANDARD, "CA", province, "HST", rate, True
    for province, (name, rate) in _PROVINCIAL.items():
        yield STANDARD, "CA", province, name, rate, False
    yield STANDARD, "AU", "", "GST", "10", False
    yield STANDARD, "JP", "", "Consumption tax", "10", False
    yield REDUCED, "JP", "", "Consumption tax", "8", False
