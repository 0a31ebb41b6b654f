"""The menu of currencies in the header: prices are shown in the chosen one, and the cart goes along."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from flask import Response, request

from blueprints.http.commits import commits_itself
from blueprints.http.page_access import shopper
from blueprints.http.pages import go
from blueprints.storefront import guest_cart
from blueprints.storefront.accounts import local_path
from blueprints.storefront.pages import pages
from blueprints.storefront.shown_currency import show_in, shown_currency
from quickshop.cart import service
from quickshop.cart.errors import CartClosed
from quickshop.catalog.asked import other_currency
from quickshop.extensions import settings
from quickshop.kernel.unit_of_work import run_unit

_ABOUT_PRICES = ("min_price", "max_price", "cursor")  # what an address says that means something else in other prices


@pages.post("/currency")
@shopper
@commits_itself
def choose() -> Response:
    """Show prices in another of the shop's currencies, and go back to where this was asked."""
    wanted = request.form.get("currency", "")
    other_currency(wanted)
    ref = guest_cart.present()
    if ref is not None:
        with suppress(CartClosed):
            run_unit(lambda: service.set_currency(ref, wanted))
    show_in(wanted)
    return go(local_path(request.form.get("next")))


def _here() -> str:
    """The address of this page, for coming back in other prices."""
    if request.method != "GET":
        return "/cart"
    kept = [(name, value) for name, value in request.args.items(multi=True) if name not in _ABOUT_PRICES]
    return f"{request.path}?{urlencode(kept)}" if kept else request.path


@pages.app_context_processor
def _context() -> dict[str, Any]:
    return {"shown_currency": shown_currency, "shop_currencies": lambda: settings().currencies, "this_address": _here}
