"""The page of who the shop is on its invoices: details, logo, and the prefixes of their numbers."""

from __future__ import annotations

from typing import Any

from flask import Response, g, make_response, render_template, request

from blueprints.admin.forms import Typed
from blueprints.admin.views import staff
from blueprints.http.audits import audited
from blueprints.http.commits import commits_itself
from blueprints.http.logos import sent_logo, takes_logo
from blueprints.http.page_access import staff_page
from blueprints.http.pages import go
from quickshop.accounts.permissions import Permission
from quickshop.kernel.errors import Invalid, ShopError
from quickshop.kernel.unit_of_work import run_unit
from quickshop.shop import logos, queries, service
from quickshop.shop.details import PREFIXES, TEXTS
from quickshop.shop.rules import DETAILS, told

ADDRESS = "/admin/settings/shop"
LABELS = {
    "name": ("Name", "What shoppers call the shop"),
    "legal_name": ("Legal name", "Who sells, as the law knows them"),
    "address": ("Address", "As it stands on a letter, with the country"),
    "tax_id": ("VAT number", ""),
    "registration": ("Registration", "Register and number, where the law asks for it"),
    "email": ("E-mail", ""),
    "phone": ("Phone", ""),
    "website": ("Website", ""),
    "bank": ("Bank account", ""),
    "note": ("Words below the total", "Thanks, terms of return"),
    "invoice_prefix": ("Prefix of invoices", "As INV in INV-2026-000001"),
    "credit_prefix": ("Prefix of credit notes", "As CN in CN-2026-000001"),
}


def _page(error: ShopError | None = None, typed: dict[str, Any] | None = None) -> Response:
    found = queries.setting(DETAILS)
    shown = render_template(
        "staff/shop_details.html",
        section="settings",
        details={**found["value"], **(typed or {})},
        version=found["version"],
        labels=LABELS,
        texts=TEXTS,
        problem=_words(error) if error else None,
    )
    return make_response(shown, error.status if error else 200)


def _words(error: ShopError) -> str:
    if isinstance(error, Invalid):
        return " ".join(f"{LABELS[name][0]}: {told[0]}" for name, told in error.errors.items() if name in LABELS)
    return error.detail


@staff.get("/settings/shop")
@staff_page(Permission.SETTINGS_WRITE)
def shop_details() -> Response:
    """Who the shop is."""
    return _page()


@staff.post("/settings/shop")
@staff_page(Permission.SETTINGS_WRITE)
@commits_itself
def set_shop_details() -> Response:
    """Set it for invoices that are issued from now on; those before stay as they are."""
    form = Typed(request.form)
    typed = {name: request.form.get(name, "").replace("\r\n", "\n") for name in (*TEXTS, *PREFIXES)}
    try:
        version = form.whole("version", "The version", 0, 10**9) or 0
        run_unit(lambda: _set(typed, version))
    except ShopError as error:
        return _page(error, typed)
    return go(ADDRESS)


def _set(typed: dict[str, Any], version: int) -> None:
    before = queries.setting(DETAILS)["value"]
    after = service.set_value(DETAILS, {**typed, "logo": before["logo"]}, version, g.caller.user_id)
    audited(target=f"setting:{DETAILS}", **told(DETAILS, before, after))


@staff.post("/settings/shop/logo")
@staff_page(Permission.SETTINGS_WRITE)
@takes_logo
@commits_itself
def set_logo() -> Response:
    """Show this logo on invoices that are issued from now on."""
    try:
        png = sent_logo("file")
        run_unit(lambda: service.set_logo(png, g.caller.user_id))
    except ShopError as error:
        return _page(error)
    audited(target=f"setting:{DETAILS}", changed=["logo"])
    return go(ADDRESS)


@staff.post("/settings/shop/logo/remove")
@staff_page(Permission.SETTINGS_WRITE)
@commits_itself
def remove_logo() -> Response:
    """Show the shop's name in its place from now on."""
    run_unit(lambda: service.set_logo(None, g.caller.user_id))
    audited(target=f"setting:{DETAILS}", changed=["logo"])
    return go(ADDRESS)


@staff.get("/settings/shop/logo.png")
@staff_page(Permission.SETTINGS_WRITE)
def logo() -> Response:
    """The logo of now."""
    return Response(logos.read(queries.details()["logo"] or ""), mimetype="image/png")
