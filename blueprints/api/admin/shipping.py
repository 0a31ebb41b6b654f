"""Staff: shipping methods, zones, holidays and the shop's working day. Checkout reads them anew for every quote."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from flask import Response

from blueprints.api.schemas.shipping import (
    HolidayBody,
    HolidayPage,
    ShippingMethodBody,
    ShippingMethodPage,
    ShippingMethodSchema,
    ShopDayBody,
    ShopDaySchema,
    ZoneBody,
    ZonePage,
)
from blueprints.http.access import staff
from blueprints.http.audits import audited
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits
from blueprints.http.json import json_response, no_content
from blueprints.http.pagination import page_body
from quickshop.accounts.permissions import Permission
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.shipping import queries, service
from quickshop.shipping.rules import Band, Method

blp = ApiBlueprint("admin_shipping", __name__, url_prefix="/api/v1/admin", description="Staff: shipping")

_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,59}").fullmatch


def _code(text: str) -> str:
    if not _CODE(text):
        raise Invalid({"code": ["A code has 1 to 60 lower-case letters, digits and hyphens."]})
    return text


def _minor(given: dict[str, Any] | None) -> int | None:
    return None if given is None else int(given["amount"])


def _method(code: str, body: dict[str, Any]) -> Method:
    bands = [
        Band(b["from_grams"] if b["from_value"] is None else b["from_value"]["amount"], b["price"]["amount"])
        for b in body["bands"]
    ]
    return Method(
        code=code,
        currency=body["price"]["currency"],
        price_minor=body["price"]["amount"],
        free_from_minor=_minor(body["free_from"]),
        min_value_minor=_minor(body["min_value"]) or 0,
        max_value_minor=_minor(body["max_value"]),
        bands=tuple(bands),
        **{
            name: body[name]
            for name in (
                "name",
                "kind",
                "zone",
                "priced_by",
                "min_weight_grams",
                "max_weight_grams",
                "min_days",
                "max_days",
                "note",
            )
        },
    )


# --- methods ------------------------------------------------------------------------------------------


@blp.get("/shipping-methods")
@staff(Permission.CATALOG_WRITE)
@blp.answers(200, ShippingMethodPage)
def list_methods() -> Response:
    """All shipping methods in display order, also those that are not offered now."""
    return json_response(page_body(queries.list_methods(), None))


@blp.get("/shipping-methods/<code>")
@staff(Permission.CATALOG_WRITE)
@blp.answers(200, ShippingMethodSchema)
def get_method(code: str) -> Response:
    """One shipping method."""
    return json_response(queries.get_method(code))


@blp.put("/shipping-methods/<code>")
@staff(Permission.CATALOG_WRITE)
@blp.arguments(ShippingMethodBody)
@blp.answers(204)
@commits
def set_method(body: dict[str, Any], code: str) -> Response:
    """Make a shipping method, or change the one with this code."""
    service.set_method(_method(_code(code), body), body["position"], active=body["active"])
    audited(target=f"shipping-method:{code}", after=body)
    return no_content()


@blp.delete("/shipping-methods/<code>")
@staff(Permission.CATALOG_WRITE)
@blp.answers(204)
@commits
def remove_method(code: str) -> Response:
    """Take a shipping method away; orders keep what they were sent with."""
    before = queries.get_method(code)
    service.remove_method(code)
    audited(target=f"shipping-method:{code}", before=before)
    return no_content()


# --- zones --------------------------------------------------------------------------------------------


@blp.get("/shipping-zones")
@staff(Permission.CATALOG_WRITE)
@blp.answers(200, ZonePage)
def list_zones() -> Response:
    """All zones with their places."""
    return json_response(page_body(queries.list_zones(), None))


@blp.put("/shipping-zones/<code>")
@staff(Permission.CATALOG_WRITE)
@blp.arguments(ZoneBody)
@blp.answers(204)
@commits
def set_zone(body: dict[str, Any], code: str) -> Response:
    """Make a zone, or change the one with this code. A place lies in one zone: else 409 `place_taken`."""
    service.set_zone(_code(code), body["name"], body["places"], body["position"])
    audited(target=f"shipping-zone:{code}", after=body)
    return no_content()


@blp.delete("/shipping-zones/<code>")
@staff(Permission.CATALOG_WRITE)
@blp.answers(204)
@commits
def remove_zone(code: str) -> Response:
    """Take a zone away that no method serves (else 409 `zone_in_use`)."""
    service.remove_zone(code)
    audited(target=f"shipping-zone:{code}")
    return no_content()


# --- days ---------------------------------------------------------------------------------------------


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NotFound("day") from None


@blp.get("/holidays")
@staff(Permission.CATALOG_WRITE)
@blp.answers(200, HolidayPage)
def list_holidays() -> Response:
    """Days on which nothing is packed or delivered, from a month ago on."""
    return json_response(page_body(queries.list_holidays(), None))


@blp.put("/holidays/<day>")
@staff(Permission.CATALOG_WRITE)
@blp.arguments(HolidayBody)
@blp.answers(204)
@commits
def set_holiday(body: dict[str, Any], day: str) -> Response:
    """Nothing is packed or delivered on this day."""
    service.set_holiday(_day(day), body["name"])
    audited(target=f"holiday:{day}", after=body)
    return no_content()


@blp.delete("/holidays/<day>")
@staff(Permission.CATALOG_WRITE)
@blp.answers(204)
@commits
def remove_holiday(day: str) -> Response:
    """It is an ordinary day again."""
    service.remove_holiday(_day(day))
    audited(target=f"holiday:{day}")
    return no_content()


@blp.get("/shipping-settings")
@staff(Permission.CATALOG_WRITE)
@blp.answers(200, ShopDaySchema)
def get_shop_day() -> Response:
    """When the shop works, where it is, and how many orders wait to be packed."""
    return json_response(queries.shop_day())


@blp.put("/shipping-settings")
@staff(Permission.CATALOG_WRITE)
@blp.arguments(ShopDayBody)
@blp.answers(200, ShopDaySchema)
@commits
def set_shop_day(body: dict[str, Any]) -> Response:
    """Say when the shop works, how much it packs in a day, and where it is."""
    before = queries.shop_day()
    service.set_shop_day(**body)
    after = queries.shop_day()
    audited(target="shipping:settings", before=before, after=after)
    return json_response(after)
