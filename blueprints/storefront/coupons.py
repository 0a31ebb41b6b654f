"""Codes and store credit on the pages: from the cart, and from the checkout, whose form keeps what was typed."""

from __future__ import annotations

from flask import Response, g, render_template, request

from blueprints.http.commits import commits_itself
from blueprints.http.limits import limited
from blueprints.http.page_access import member_page, shopper
from blueprints.http.pages import go
from blueprints.storefront import guest_cart
from blueprints.storefront.cart import shown
from blueprints.storefront.checkout import page as checkout_page
from blueprints.storefront.pages import pages
from quickshop.cart import codes
from quickshop.kernel.errors import NotFound, ShopError
from quickshop.kernel.unit_of_work import run_unit
from quickshop.promotions.crediting import credit_of
from quickshop.promotions.errors import CodeUnknown

LONGEST = 60


def _change() -> None:
    """Do what the form's button asks for: add the typed code, take one off, or let store credit pay."""
    ref = guest_cart.present()
    if ref is None:
        raise NotFound("cart")
    removed, credit = request.form.get("remove_code"), request.form.get("use_credit")
    if removed:
        codes.remove(ref, removed[:LONGEST])
    elif credit is not None:
        codes.use_credit(ref, credit == "1")
    else:
        typed = request.form.get("code", "").strip()
        if not typed or len(typed) > LONGEST:
            raise CodeUnknown("Type a code first.")
        codes.add(ref, typed, g.caller)


@pages.post("/cart/coupons")
@shopper
@limited("auth")
@commits_itself
def change_codes() -> Response:
    """Change the codes from the cart."""
    try:
        run_unit(_change)
    except ShopError as error:
        return shown("page", error)
    return go("/cart")


@pages.post("/checkout/coupons")
@shopper
@limited("auth")
@commits_itself
def change_codes_in_checkout() -> Response:
    """Change the codes from the checkout; what was typed stays."""
    try:
        run_unit(_change)
    except ShopError as error:
        return checkout_page(request.form, error=error, status=error.status)
    return checkout_page(request.form)


@pages.get("/account/credit")
@member_page
def account_credit() -> str:
    """What the shop owes the member."""
    return render_template("shop/credit.html", section="credit", credit=credit_of(g.caller.member_id()))
