"""The blueprint of the shop's pages and what all of them need: the cart's number, countries, refusals as notes."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g

from blueprints.storefront.guest_cart import present
from blueprints.storefront.shown_currency import show_in
from quickshop.accounts.countries import country_name
from quickshop.cart.queries import cart_view
from quickshop.kernel.errors import Invalid, ShopError

pages = Blueprint("shop", __name__, template_folder="templates")


def cart_count() -> int:
    """Units in the caller's cart; read once per request."""
    if "cart_quantity" not in g:
        note_cart(cart_view(present()))
    return int(g.cart_quantity)


def note_cart(cart: dict[str, Any]) -> dict[str, Any]:
    """Remember how much is in a cart that was read anyway, and show prices in its currency; the cart is returned."""
    g.cart_quantity = cart["quantity"]
    if cart["id"]:
        show_in(cart["currency"])
    return cart


def problem(error: ShopError) -> dict[str, Any]:
    """A refusal as the templates show it."""
    return {"title": error.title, "detail": error.detail, "code": error.code, **error.extra}


def field_errors(error: ShopError) -> dict[str, list[str]]:
    """The messages of a refusal by field name, without the path in front ("shipping_address.city" -> "city")."""
    if not isinstance(error, Invalid):
        return {}
    return {path.rpartition(".")[2]: messages for path, messages in error.errors.items()}


@pages.app_context_processor
def _context() -> dict[str, Any]:
    return {"cart_count": cart_count, "country_name": country_name}
