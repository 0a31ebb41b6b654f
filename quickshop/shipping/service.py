"""The verbs of shipping: methods, zones, holidays, and the shop's working day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy.exc import IntegrityError

from quickshop.accounts.places import checked_place
from quickshop.kernel import clock, db
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.outbox import dump
from quickshop.shipping.errors import PlaceTaken, ZoneInUse
from quickshop.shipping.rules import Method, sorted_bands

ELSEWHERE = "*"


def set_method(method: Method, position: int, *, active: bool = True) -> None:
    """Make a method, or change the one with this code. Raises Invalid for a zone or bands that cannot be."""
    bands = sorted_bands(method.bands)
    if method.priced_by == "flat" and bands:
        raise Invalid({"bands": ["A flat price has no bands."]})
    try:
        _write_method(method, position, active)
    except IntegrityError as error:
        if db.constraint(error) == "fk_shipping_methods_zone_code_shipping_zones":
            raise Invalid({"zone": ["No such zone."]}) from error
        raise
    db.run("DELETE FROM shipping_bands WHERE method_code = :code", code=method.code)
    if bands:
        db.run(
            "INSERT INTO shipping_bands (method_code, starts_at, price_minor) SELECT :code, starts_at, price_minor"
            " FROM jsonb_to_recordset(CAST(:bands AS jsonb)) AS b (starts_at bigint, price_minor bigint)",
            code=method.code,
            bands=dump([{"starts_at": b.starts_at, "price_minor": b.price_minor} for b in bands]),
        )


def _write_method(method: Method, position: int, active: bool) -> None:
    db.run(
        """
        INSERT INTO shipping_methods
            (code, name, kind, zone_code, currency, price_minor, priced_by, free_from_minor, min_weight_grams,
             max_weight_grams, min_value_minor, max_value_minor, min_days, max_days, note, position, active)
        VALUES (:code, :name, :kind, :zone, :currency, :price, :priced_by, :free_from, :min_weight, :max_weight,
                :min_value, :max_value, :min_days, :max_days, :note, :position, :active)
        ON CONFLICT (code) DO UPDATE SET name = EXCLUDED.name, kind = EXCLUDED.kind, zone_code = EXCLUDED.zone_code,
            currency = EXCLUDED.currency, price_minor = EXCLUDED.price_minor, priced_by = EXCLUDED.priced_by,
            free_from_minor = EXCLUDED.free_from_minor, min_weight_grams = EXCLUDED.min_weight_grams,
            max_weight_grams = EXCLUDED.max_weight_grams, min_value_minor = EXCLUDED.min_value_minor,
            max_value_minor = EXCLUDED.max_value_minor, min_days = EXCLUDED.min_days, max_days = EXCLUDED.max_days,
            note = EXCLUDED.note, position = EXCLUDED.position, active = EXCLUDED.active
        """,
        code=method.code,
        name=method.name,
        kind=method.kind,
        zone=method.zone,
        currency=method.currency,
        price=method.price_minor,
        priced_by=method.priced_by,
        free_from=method.free_from_minor,
        min_weight=method.min_weight_grams,
        max_weight=method.max_weight_grams,
        min_value=method.min_value_minor,
        max_value=method.max_value_minor,
        min_days=method.min_days,
        max_days=method.max_days,
        note=method.note,
        position=position,
        active=active,
    )


def remove_method(code: str) -> None:
    """Take a method away; orders keep what they were shipped with. Raises NotFound."""
    if not db.run("DELETE FROM shipping_methods WHERE code = :code", code=code).rowcount:
        raise NotFound("shipping method")


def set_zone(code: str, name: str, places: Sequence[str], position: int = 0) -> None:
    """Make a zone, or change the one with this code, to hold these places: "US", "CA-ON", "*" for everywhere else.

    Raises Invalid for a place that does not exist, PlaceTaken for one that lies in another zone.
    """
    found = {_place(text) for text in places}
    db.run(
        "INSERT INTO shipping_zones (code, name, position) VALUES (:code, :name, :position)"
        " ON CONFLICT (code) DO UPDATE SET name = EXCLUDED.name, position = EXCLUDED.position",
        code=code,
        name=name,
        position=position,
    )
    db.run("DELETE FROM shipping_zone_places WHERE zone_code = :code", code=code)
    try:
        db.run(
            "INSERT INTO shipping_zone_places (country, region, zone_code) SELECT country, region, :code"
            " FROM jsonb_to_recordset(CAST(:places AS jsonb)) AS p (country text, region text)",
            code=code,
            places=dump([{"country": country, "region": region} for country, region in sorted(found)]),
        )
    except IntegrityError as error:
        raise PlaceTaken("One of these places lies in another zone.") from error


def _place(text: str) -> tuple[str, str]:
    country, _, region = text.strip().partition("-")
    if text.strip() == ELSEWHERE:
        return ELSEWHERE, ""
    try:
        place = checked_place(country.strip().upper(), region)
    except Invalid as error:
        raise Invalid({"places": [f"{text.strip()}: {text_}" for [text_] in error.errors.values()]}) from error
    return place.country, place.region


def remove_zone(code: str) -> None:
    """Take a zone away. Raises NotFound, ZoneInUse while methods serve it."""
    try:
        removed = db.run("DELETE FROM shipping_zones WHERE code = :code", code=code).rowcount
    except IntegrityError as error:
        raise ZoneInUse("Let its methods serve another zone first.") from error
    if not removed:
        raise NotFound("shipping zone")


def set_holiday(day: date, name: str) -> None:
    """Nothing is packed or delivered on this day."""
    db.run(
        "INSERT INTO holidays (day, name) VALUES (:day, :name) ON CONFLICT (day) DO UPDATE SET name = EXCLUDED.name",
        day=day,
        name=name,
    )


def remove_holiday(day: date) -> None:
    """It is an ordinary day again. Raises NotFound."""
    if not db.run("DELETE FROM holidays WHERE day = :day", day=day).rowcount:
        raise NotFound("holiday")


def set_shop_day(
    *,
    timezone: str,
    cut_off: time,
    handling_days: int,
    working_days: Sequence[int],
    orders_per_day: int | None,
    home_country: str,
    home_region: str = "",
) -> None:
    """Say when the shop works, how much it packs in a day (None: its queue does not count), and where it is.

    Raises Invalid for a time zone or place that does not exist, and for days that are none.
    """
    if timezone not in available_timezones():
        raise Invalid({"timezone": ["Not a time zone; one is Europe/Berlin."]})
    if not working_days or not set(working_days) <= set(range(1, 8)):
        raise Invalid({"working_days": ["Days are 1 (Monday) to 7, and there is at least one."]})
    home = checked_place(home_country, home_region)
    values: dict[str, Any] = {
        "timezone": timezone,
        "cut_off": cut_off,
        "handling_days": handling_days,
        "working_days": sorted(set(working_days)),
        "orders_per_day": orders_per_day,
        "home_country": home.country,
        "home_region": home.region,
    }
    changes = ", ".join(f"{name} = EXCLUDED.{name}" for name in values)
    db.run(
        "INSERT INTO shipping_settings (timezone, cut_off, handling_days, working_days, orders_per_day, home_country,"
        " home_region) VALUES (:timezone, :cut_off, :handling_days, CAST(:working_days AS smallint[]),"
        f" :orders_per_day, :home_country, :home_region) ON CONFLICT (id) DO UPDATE SET {changes}",
        **values,
    )


def note_waiting(orders: int) -> None:
    """Note how many orders wait to be packed; nothing where staff never said how the shop works."""
    db.run("UPDATE shipping_settings SET waiting_orders = :orders, waiting_at = :at", orders=orders, at=clock.now())


def queue_counts() -> bool:
    """Whether orders that wait move delivery windows."""
    return bool(db.scalar("SELECT EXISTS (SELECT FROM shipping_settings WHERE orders_per_day IS NOT NULL)"))
