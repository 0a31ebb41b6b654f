"""Reads of shipping: what a checkout needs of it as part of one statement, and what staff see."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from typing import Any

from quickshop.accounts.places import Place
from quickshop.kernel import clock, db
from quickshop.kernel.errors import NotFound
from quickshop.kernel.money import money
from quickshop.shipping.rules import Band, Calendar, Method, Terms, queue_days

HOME = Place("US")  # until staff say where the shop is

# Each is an expression for a statement that has `here` (country, region, currency) and `:today`.
HOME_SETTINGS = "(SELECT to_jsonb(s) FROM shipping_settings s)"
ZONE = """(SELECT z.zone_code FROM shipping_zone_places z
     WHERE (z.country = here.country AND z.region IN (here.region, '')) OR z.country = '*'
     ORDER BY z.country = '*', z.region = '' LIMIT 1)"""
METHODS = """(SELECT jsonb_agg(to_jsonb(m) || jsonb_build_object('bands',
         (SELECT jsonb_agg(jsonb_build_array(b.starts_at, b.price_minor) ORDER BY b.starts_at)
          FROM shipping_bands b WHERE b.method_code = m.code)) ORDER BY m.position, m.code)
     FROM shipping_methods m WHERE m.active AND m.currency = here.currency)"""
# A day back, for the shop's clock may be behind; far enough on for any window.
HOLIDAYS = "(SELECT jsonb_agg(h.day) FROM holidays h WHERE h.day >= CAST(:today AS date) - 1)"


def home_of(settings: Mapping[str, Any] | None) -> Place:
    """Where the shop is."""
    return Place(settings["home_country"], settings["home_region"]) if settings else HOME


def terms_of(
    settings: Mapping[str, Any] | None, zone: str | None, methods: list[Any] | None, holidays: list[str] | None
) -> Terms:
    """The terms from what the expressions above gave."""
    return Terms(
        methods=tuple(_method(m) for m in methods or ()),
        zone=zone,
        calendar=_calendar(settings, frozenset(date.fromisoformat(day) for day in holidays or ())),
        home=home_of(settings),
    )


def _calendar(settings: Mapping[str, Any] | None, holidays: frozenset[date]) -> Calendar:
    if settings is None:
        return Calendar(holidays=holidays)
    return Calendar(
        timezone=settings["timezone"],
        cut_off=time.fromisoformat(settings["cut_off"]),
        handling_days=settings["handling_days"],
        working_days=frozenset(settings["working_days"]),
        holidays=holidays,
        queue_days=queue_days(settings["waiting_orders"], settings["orders_per_day"]),
    )


_SAME = (
    "code", "name", "currency", "price_minor", "free_from_minor", "min_days", "max_days", "kind", "priced_by",
    "min_weight_grams", "max_weight_grams", "min_value_minor", "max_value_minor", "note",
)  # fmt: skip


def _method(m: Mapping[str, Any]) -> Method:
    return Method(
        **{name: m[name] for name in _SAME},
        zone=m["zone_code"],
        bands=tuple(Band(*pair) for pair in m["bands"] or ()),
    )


# --- what staff see -----------------------------------------------------------------------------------

_ALL = """
SELECT m.*, (SELECT jsonb_agg(jsonb_build_array(b.starts_at, b.price_minor) ORDER BY b.starts_at)
             FROM shipping_bands b WHERE b.method_code = m.code) AS bands
FROM shipping_methods m WHERE {which} ORDER BY m.position, m.code
"""


def list_methods() -> list[dict[str, Any]]:
    """All methods in display order, also those that are not offered now."""
    return [_method_document(r) for r in db.rows(_ALL.format(which="true"))]


def get_method(code: str) -> dict[str, Any]:
    """One method. Raises NotFound."""
    found = db.rows(_ALL.format(which="m.code = :code"), code=code)
    if not found:
        raise NotFound("shipping method")
    return _method_document(found[0])


def _method_document(r: Any) -> dict[str, Any]:
    def amount(minor: int | None) -> dict[str, Any] | None:
        return None if minor is None else dict(money(minor, r.currency))

    by_value = r.priced_by == "value"
    return {
        "code": r.code,
        "name": r.name,
        "kind": r.kind,
        "zone": r.zone_code,
        "currency": r.currency,
        "price": amount(r.price_minor),
        "free_from": amount(r.free_from_minor),
        "priced_by": r.priced_by,
        "bands": [
            {"from_value": amount(starts_at) if by_value else None, "from_grams": None if by_value else starts_at}
            | {"price": amount(price)}
            for starts_at, price in r.bands or ()
        ],
        "min_weight_grams": r.min_weight_grams,
        "max_weight_grams": r.max_weight_grams,
        "min_value": amount(r.min_value_minor),
        "max_value": amount(r.max_value_minor),
        "min_days": r.min_days,
        "max_days": r.max_days,
        "note": r.note,
        "position": r.position,
        "active": r.active,
    }


def list_zones() -> list[dict[str, Any]]:
    """All zones with the places that lie in them: "US", "CA-ON", or "*" for everywhere else."""
    found = db.rows(
        """
        SELECT z.*, ARRAY(SELECT concat_ws('-', p.country, nullif(p.region, '')) FROM shipping_zone_places p
                          WHERE p.zone_code = z.code ORDER BY 1) AS places
        FROM shipping_zones z ORDER BY z.position, z.code
        """
    )
    return [r._asdict() for r in found]


def list_holidays() -> list[dict[str, Any]]:
    """The days on which nothing is packed or delivered, from a month ago on."""
    since = clock.now().date().toordinal() - 31
    found = db.rows("SELECT day, name FROM holidays WHERE day >= :since ORDER BY day", since=date.fromordinal(since))
    return [{"day": r.day.isoformat(), "name": r.name} for r in found]


def shop_day() -> dict[str, Any]:
    """The shop's working day and home as they are set, and how many orders wait to be packed."""
    found = db.row("SELECT * FROM shipping_settings")
    plain = Calendar()
    waiting, per_day = (found.waiting_orders, found.orders_per_day) if found else (0, None)
    home = Place(found.home_country, found.home_region) if found else HOME
    return {
        "timezone": found.timezone if found else plain.timezone,
        "cut_off": (found.cut_off if found else plain.cut_off).strftime("%H:%M"),
        "handling_days": found.handling_days if found else plain.handling_days,
        "working_days": sorted(found.working_days if found else plain.working_days),
        "orders_per_day": per_day,
        "home_country": home.country,
        "home_region": home.region,
        "waiting_orders": waiting,
        "waiting_at": clock.rfc3339(found.waiting_at) if found else None,
        "queue_days": queue_days(waiting, per_day),
    }
