"""A member's address book: seen, added to, changed, and what is the default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from flask import Response, g, make_response, render_template, request

from blueprints.http.commits import commits_itself
from blueprints.http.page_access import member_page, member_page_now
from blueprints.http.pages import go
from blueprints.storefront.forms import AddressForm
from blueprints.storefront.pages import field_errors, pages, problem
from quickshop.accounts import addresses as book
from quickshop.accounts.countries import NAMES
from quickshop.kernel.errors import Invalid, ShopError
from quickshop.kernel.ids import parse_id
from quickshop.kernel.unit_of_work import run_unit

BOOK = "/account/addresses"
FIRST_COUNTRY = "US"


@pages.get("/account/addresses")
@member_page
def addresses() -> Response:
    """All of them."""
    return _list()


@pages.get("/account/addresses/new")
@member_page
def new_address() -> Response:
    """The empty form, in the country of the address that parcels go to now."""
    known = book.address_book(g.caller.member_id())
    country = next((entry["country"] for entry in known if entry["default_shipping"]), FIRST_COUNTRY)
    return _form({"country": country})


@pages.post("/account/addresses")
@member_page_now
@commits_itself
def add_address() -> Response:
    """Add one; the first becomes both defaults."""
    return _save(lambda fields: book.add_address(g.caller.member_id(), fields))


@pages.get("/account/addresses/<address_id>")
@member_page
def edit_address(address_id: str) -> Response:
    """One address in the form."""
    known = book.address(g.caller.member_id(), _id(address_id))
    return _form(known, address_id=known["id"])


@pages.post("/account/addresses/<address_id>")
@member_page_now
@commits_itself
def change_address(address_id: str) -> Response:
    """Change it; orders keep what they copied."""
    which = _id(address_id)
    return _save(lambda fields: book.change_address(g.caller.member_id(), which, fields), address_id=str(which))


@pages.post("/account/addresses/<address_id>/default")
@member_page_now
@commits_itself
def make_address_default(address_id: str) -> Response:
    """Make it the default for what the button says."""
    kind = request.form.get("kind", "")
    if kind not in ("shipping", "billing", "both"):
        return _list(Invalid({"kind": ["Unknown."]}, "Please press one of the buttons."))
    run_unit(lambda: book.make_default(g.caller.member_id(), _id(address_id), kind))  # type: ignore[arg-type]
    return go(BOOK)


@pages.post("/account/addresses/<address_id>/remove")
@member_page_now
@commits_itself
def remove_address(address_id: str) -> Response:
    """Take it out of the book."""
    run_unit(lambda: book.remove_address(g.caller.member_id(), _id(address_id)))
    return go(BOOK)


def _id(text: str) -> UUID:
    return parse_id(text, "address")


def _save(write: Callable[[Mapping[str, Any]], object], address_id: str | None = None) -> Response:
    """Write what was typed, or show the form again with what is wrong."""
    form = AddressForm(request.form)
    if not form.validate():
        return _form(request.form, address_id=address_id, errors=form.errors, status=422)
    try:
        run_unit(lambda: write(form.address()))
    except ShopError as error:
        if error.status == 404:
            raise
        told = None if isinstance(error, Invalid) else problem(error)
        return _form(request.form, address_id=address_id, errors=field_errors(error), problem=told, status=error.status)
    return go(BOOK)


def _list(error: ShopError | None = None) -> Response:
    page = render_template(
        "shop/addresses.html",
        section="addresses",
        addresses=book.address_book(g.caller.member_id()),
        full=book.MOST_ADDRESSES,
        problem=problem(error) if error else None,
    )
    return make_response(page, error.status if error else 200)


def _form(form: Mapping[str, Any], *, status: int = 200, **more: Any) -> Response:
    shown = {"address_id": None, "errors": {}, "problem": None, **more}
    page = render_template("shop/address.html", section="addresses", form=form, countries=NAMES.items(), **shown)
    return make_response(page, status)
