"""Variants on the page of their product: adding, changing, pricing, stock, taking away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response, request

from blueprints.admin.forms import Typed
from blueprints.admin.products import MOST_UNITS, do
from blueprints.admin.views import staff
from blueprints.http.commits import commits_itself
from blueprints.http.page_access import staff_page
from quickshop.accounts.permissions import Permission
from quickshop.catalog import editing, foreign_prices
from quickshop.catalog.changing import currency_of, product_of
from quickshop.catalog.service import NewVariant
from quickshop.inventory import moving
from quickshop.kernel.errors import Invalid
from quickshop.kernel.ids import parse_id

_OPTION = "option."


def _chosen() -> dict[str, str]:
    """The values of the product's options, which come in fields of their own."""
    return {name.removeprefix(_OPTION): value.strip() for name, value in request.form.items() if _OPTION in name}


def _amount(name: str, label: str, currency: str) -> int:
    found = Typed(request.form).amount(name, label, currency)
    if found is None:
        raise Invalid({name: [f"{label} is missing."]})
    return found


def _of(variant_id: str, change: Callable[[UUID, Typed], Any]) -> Response:
    known = parse_id(variant_id, "variant")
    return do(product_of(known), lambda: change(known, Typed(request.form)), f"#variant-{known}")


@staff.post("/products/<product_id>/variants")
@staff_page(Permission.CATALOG_WRITE)
@commits_itself
def add_variant(product_id: str) -> Response:
    """Add a variant, without stock."""
    known, typed = parse_id(product_id, "product"), Typed(request.form)

    def add() -> None:
        currency = currency_of(known)
        new = NewVariant(typed.text("sku", "The SKU", 64), _amount("price", "The price", currency), _chosen())
        editing.add_variant(known, new, typed.versions())

    return do(known, add, "#variants")


@staff.post("/variants/<variant_id>")
@staff_page(Permission.CATALOG_WRITE)
@commits_itself
def change_variant(variant_id: str) -> Response:
    """Change what a variant is, which picture stands for it, and from when on its stock is low."""

    def change(known: UUID, typed: Typed) -> None:
        moving.set_low_at(known, typed.whole("low_at", "Low from", 0, 1_000_000))
        changes: dict[str, Any] = {
            "sku": typed.text("sku", "The SKU", 64),
            "weight_grams": typed.whole("weight_grams", "The weight", 0, 10_000_000) or 0,
            "position": typed.whole("position", "The place", 0, 10_000) or 0,
            "picture_id": typed.id("picture_id", "The picture"),
        }
        if chosen := _chosen():
            changes["options"] = chosen
        editing.edit_variant(known, changes, typed.versions())

    return _of(variant_id, change)


@staff.post("/variants/<variant_id>/price")
@staff_page(Permission.CATALOG_WRITE)
@commits_itself
def set_price(variant_id: str) -> Response:
    """Set the price and the former one."""

    def change(known: UUID, typed: Typed) -> None:
        currency = currency_of(product_of(known))
        was = typed.amount("compare_at", "The former price", currency)
        editing.edit_price(known, _amount("price", "The price", currency), was, typed.versions())

    return _of(variant_id, change)


@staff.post("/variants/<variant_id>/sale")
@staff_page(Permission.CATALOG_WRITE)
@commits_itself
def set_sale(variant_id: str) -> Response:
    """Arrange a sale, or end it."""

    def change(known: UUID, typed: Typed) -> None:
        if request.form.get("do") == "end":
            editing.drop_sale(known, typed.versions())
            return
        price = _amount("sale_price", "The sale price", currency_of(product_of(known)))
        begins, ends = typed.moment("sale_from", "The beginning"), typed.moment("sale_until", "The end")
        editing.edit_sale(known, price, begins, ends, typed.versions())

    return _of(variant_id, change)


@staff.post("/variants/<variant_id>/prices/<currency>")
@staff_page(Permission.CATALOG_WRITE)
@commits_itself
def set_foreign_price(variant_id: str, currency: str) -> Response:
    """Set the price in another currency; without one the variant is no longer sold in it."""

    def change(known: UUID, typed: Typed) -> None:
        price = typed.amount("price", "The price", currency)
        if price is None:
            foreign_prices.drop_price_in(known, currency)
            return
        was = typed.amount("compare_at", "The former price", currency)
        sale = typed.amount("sale_price", "The sale price", currency)
        foreign_prices.set_price_in(known, currency, price, was, sale)

    return _of(variant_id, change)


@staff.post("/variants/<variant_id>/stock")
@staff_page(Permission.CATALOG_WRITE)
@commits_itself
def move_stock(variant_id: str) -> Response:
    """Note units that came or went."""

    def change(known: UUID, typed: Typed) -> None:
        delta = typed.whole("delta", "Units", -MOST_UNITS, MOST_UNITS) or 0
        note = typed.text("note", "The note", 300, needed=False)
        moving.move(known, delta, request.form.get("cause", ""), note)

    return _of(variant_id, change)


@staff.post("/variants/<variant_id>/remove")
@staff_page(Permission.CATALOG_WRITE)
@commits_itself
def remove_variant(variant_id: str) -> Response:
    """Take away a variant that was never bought."""
    return _of(variant_id, lambda known, typed: editing.remove_variant(known, typed.versions()))
