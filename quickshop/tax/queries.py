"""Reads of tax: what a checkout needs of it as part of one statement, and what staff see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quickshop.kernel import db
from quickshop.tax.rules import Rate, Terms, percent

# Each is an expression for a statement that has `here` (country, region) and `home` (country, region).
SETTINGS = "(SELECT to_jsonb(t) FROM tax_settings t)"
RATES = """(SELECT jsonb_agg(jsonb_build_array(r.country, r.region, r.name, r.millionths, r.tax_class, r.replaces))
     FROM tax_rates r WHERE (r.country = here.country AND r.region IN ('', here.region))
        OR (r.country = home.country AND r.region IN ('', home.region)))"""


def terms_of(settings: Mapping[str, Any] | None, rates: list[Any] | None) -> Terms:
    """The terms from what the expressions above gave."""
    found = tuple(Rate(*r) for r in rates or ())
    if settings is None:
        return Terms(rates=found)
    return Terms(settings["prices_include_tax"], settings["shipping_class"], found)


def list_classes() -> list[dict[str, Any]]:
    """All classes in order, with how many rates each has."""
    found = db.rows(
        """
        SELECT c.code, c.name, c.position, (SELECT count(*) FROM tax_rates r WHERE r.tax_class = c.code) AS rates
        FROM tax_classes c ORDER BY c.position, c.code
        """
    )
    return [r._asdict() for r in found]


def list_rates() -> list[dict[str, Any]]:
    """All rates by country, region and class; `rate` is percent."""
    found = db.rows("SELECT * FROM tax_rates ORDER BY country, region, tax_class, name")
    return [
        {
            "id": str(r.id),
            "tax_class": r.tax_class,
            "country": r.country,
            "region": r.region,
            "name": r.name,
            "rate": percent(r.millionths),
            "replaces": r.replaces,
        }
        for r in found
    ]


def tax_settings() -> dict[str, Any]:
    """Whether prices include tax, and the class of shipping."""
    found = db.row("SELECT prices_include_tax, shipping_class FROM tax_settings")
    plain = Terms()
    return {
        "prices_include_tax": found.prices_include_tax if found else plain.prices_include_tax,
        "shipping_class": found.shipping_class if found else plain.shipping_class,
    }
