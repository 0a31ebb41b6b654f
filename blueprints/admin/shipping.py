"""Shipping on the staff's pages: ways of shipping, zones, holidays, and the shop's working day."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, time
from typing import Any

from flask import Response, make_response, render_template, request

from blueprints.admin.forms import Typed
from blueprints.admin.notes import attempt, problem
from blueprints.admin.views import staff
from blueprints.http.audits import audited
from blueprints.http.commits import commits_itself
from blueprints.http.page_access import staff_page
from quickshop.accounts.permissions import Permission
from quickshop.extensions import settings
from quickshop.kernel.errors import Invalid, NotFound, ShopError
from quickshop.shipping import queries, service
from quickshop.shipping.rules import Band, Method

LAST = 10_000
MOST_DAYS = 365
MOST_GRAMS = 10_000_000
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,59}").fullmatch
_CURRENCY = re.compile(r"[A-Z]{3}").fullmatch


@staff.get("/shipping")
@staff_page(Permission.CATALOG_WRITE)
def shipping() -> Response:
    """Everything about shipping on one page."""
    return _page()


def _page(error: ShopError | None = None) -> Response:
    page = render_template(
        "staff/shipping.html",
        section="shipping",
        methods=queries.list_methods(),
        zones=queries.list_zones(),
        holidays=queries.list_holidays(),
        day=queries.shop_day(),
        days=DAYS,
        currency=settings().base_currency,
        problem=problem(error),
    )
    return make_response(page, error.status if error else 200)


def _do(work: Callable[[], Any]) -> Response:
    return attempt(work, _page, "/admin/shipping")


def typed_code(typed: Typed, name: str = "code") -> str:
    """A code as it is typed. Raises Invalid."""
    value = typed.text(name, "The code", 60)
    if not _CODE(value):
        raise Invalid({name: ["A code has lower-case letters, digits and hyphens."]})
    return value


# --- methods ------------------------------------------------------------------------------------------


@staff.post("/shipping/methods")
@staff_page(Permission.CATALOG_WRITE)
@commits_itself
def make_method() -> Response:
    """Make a way of shipping."""
    typed = Typed(request.form)

    def make() -> None:
        code = typed_code(typed)
        currency = typed.text("currency", "The currency", 3)
        if not _CURRENCY(currency):
            raise Invalid({"currency": ["A currency has three capital letters, such as USD."]})
        if any(method["code"] == code for method in queries.list_methods()):
            raise Invalid({"code": ["There is a way of shipping with this code."]})
        _set(code, typed, currency)

    return _do(make)


@staff.post("/shipping/methods/<code>")
@staff_page(Permission.CATALOG_WRITE)
@commits_itself
def change_method(code: str) -> Response:
    """Change a way of shipping."""
    return _do(lambda: _set(code, Typed(request.form), queries.get_method(code)["currency"]))


@staff.post("/shipping/methods/<code>/remove")
@staff_page(Permission.CATALOG_WRITE)
@commits_itself
def remove_method(code: str) -> Response:
    """Take a way of shipping away."""
    return _do(lambda: service.remove_method(code))


def _set(code: str, typed: Typed, currency: str) -> None:
    method = _method(code, typed, currency)
    active = "active" in request.form
    service.set_method(method, typed.whole("position", "The place", 0, LAST) or 0, active=active)
    audited(target=f"shipping-method:{code}", after=queries.get_method(code))


def _method(code: str, typed: Typed, currency: str) -> Method:
    price = typed.amount("price", "The price", currency)
    first, last = (
        typed.whole(name, label, 0, MOST_DAYS)
        for name, label in (("min_days", "The first day"), ("max_days", "The last day"))
    )
    if price is None or first is None or last is None or first > last:
        raise Invalid({"price": ["A way of shipping has a price, and a window that begins before it ends."]})
    method = Method(
        code=code,
        name=typed.text("name", "The name", 120),
        currency=currency,
        price_minor=price,
        free_from_minor=typed.amount("free_from", "Free from", currency),
        min_days=first,
        max_days=last,
        kind=_one_of("kind", ("delivery", "pickup")),
        zone=typed.text("zone", "The zone", 60, needed=False) or None,
        priced_by=_one_of("priced_by", ("flat", "weight", "value")),
        bands=_bands(typed, currency),
        min_weight_grams=typed.whole("min_weight_grams", "The least weight", 0, MOST_GRAMS) or 0,
        max_weight_grams=typed.whole("max_weight_grams", "The most weight", 0, MOST_GRAMS),
        min_value_minor=typed.amount("min_value", "The least value", currency) or 0,
        max_value_minor=typed.amount("max_value", "The most value", currency),
        note=typed.text("note", "The note", 300, needed=False).replace("\n", " "),
    )
    if _beyond(method.min_weight_grams, method.max_weight_grams) or _beyond(
        method.min_value_minor, method.max_value_minor
    ):
        raise Invalid({"max_value": ["The least is not above the most."]})
    return method


def _beyond(least: int, most: int | None) -> bool:
    return most is not None and least > most


def _one_of(name: str, allowed: tuple[str, ...]) -> str:
    value = request.form.get(name) or allowed[0]
    if value not in allowed:
        raise Invalid({name: [f"One of {', '.join(allowed)}."]})
    return value


def _bands(typed: Typed, currency: str) -> tuple[Band, ...]:
    """Lines such as "2000: 19.99": from a weight in grams, or from a value in the currency."""
    by_value = request.form.get("priced_by") == "value"
    found = []
    for start, price in typed.pairs("bands", "Bands", 50).items():
        line = Typed({"start": start, "price": price})
        begins = (
            line.amount("start", "A band's beginning", currency)
            if by_value
            else line.whole("start", "A band's beginning", 1, MOST_GRAMS)
        )
        if not begins:
            raise Invalid({"bands": ["A band begins above 0."]})
        found.append(Band(begins, line.amount("price", "A band's price", currency) or 0))
    return tuple(found)


# --- zones --------------------------------------------------------------------------------------------


@staff.post("/shipping/zones")
@staff_page(Permission.CATALOG_WRITE)
@commits_itself
def set_zone() -> Response:
    """Make a zone, or change it."""
    typed = Typed(request.form)

    def change() -> None:
        code = typed_code(typed)
        places = [part for line in typed.lines("places", "Places", 500) for part in re.split(r"[,;]\s*", line) if part]
        name, position = typed.text("name", "The name", 120), typed.whole("position", "The place", 0, LAST) or 0
        service.set_zone(code, name, places, position)
        audited(target=f"shipping-zone:{code}", after={"name": name, "places": places, "position": position})

    return _do(change)


@staff.post("/shipping/zones/<code>/remove")
@staff_page(Permission.CATALOG_WRITE)
@commits_itself
def remove_zone(code: str) -> Response:
    """Take a zone away."""
    return _do(lambda: service.remove_zone(code))


# --- days ---------------------------------------------------------------------------------------------


@staff.post("/shipping/holidays")
@staff_page(Permission.CATALOG_WRITE)
@commits_itself
def set_holiday() -> Response:
    """Keep a day free of work."""
    typed = Typed(request.form)

    def change() -> None:
        day = _day(typed.text("day", "The day", 10))
        name = typed.text("name", "The name", 120)
        service.set_holiday(day, name)
        audited(target=f"holiday:{day.isoformat()}", after={"name": name})

    return _do(change)


@staff.post("/shipping/holidays/<day>/remove")
@staff_page(Permission.CATALOG_WRITE)
@commits_itself
def remove_holiday(day: str) -> Response:
    """Make it an ordinary day again."""
    try:
        known = _day(day)
    except Invalid:
        raise NotFound("holiday") from None
    return _do(lambda: service.remove_holiday(known))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid({"day": ["A day such as 2027-05-31."]}) from None


@staff.post("/shipping/day")
@staff_page(Permission.CATALOG_WRITE)
@commits_itself
def set_day() -> Response:
    """Say when the shop works, how much it packs, and where it is."""
    typed = Typed(request.form)

    def change() -> None:
        before = queries.shop_day()
        try:
            cut_off = time.fromisoformat(typed.text("cut_off", "The cut-off", 8))
        except ValueError:
            raise Invalid({"cut_off": ["A time such as 14:00."]}) from None
        working = [int(day) for day in request.form.getlist("working_days") if day.isdigit()]
        service.set_shop_day(
            timezone=typed.text("timezone", "The time zone", 60),
            cut_off=cut_off.replace(second=0, microsecond=0, tzinfo=None),
            handling_days=typed.whole("handling_days", "Handling", 0, 90) or 0,
            working_days=working,
            orders_per_day=typed.whole("orders_per_day", "Orders packed in a day", 1, 1_000_000),
            home_country=typed.text("home_country", "The country", 2).upper(),
            home_region=typed.text("home_region", "The region", 60, needed=False),
        )
        audited(target="shipping:settings", before=before, after=queries.shop_day())

    return _do(change)
