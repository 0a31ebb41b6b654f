"""Being told when something is back: the form on the product's page, and where a guest's mailed link leads."""

from __future__ import annotations

from typing import Any

from flask import Response, g, make_response, render_template, request

from blueprints.http.commits import commits_itself
from blueprints.http.limits import limited
from blueprints.http.page_access import shopper
from blueprints.http.pages import is_htmx
from blueprints.storefront.forms import EmailForm
from blueprints.storefront.pages import pages, problem
from quickshop.catalog.queries import get_product
from quickshop.kernel.errors import Invalid, ShopError
from quickshop.kernel.ids import parse_id
from quickshop.kernel.unit_of_work import run_unit
from quickshop.wishlists import alerts


@pages.post("/products/<slug>/stock-alerts")
@shopper
@limited("auth")
@commits_itself
def ask_for_alert(slug: str) -> Response:
    """Wait for a sold-out variant; what is answered is the same for every address."""
    product = get_product(slug)
    try:
        run_unit(lambda: _ask(product))
    except ShopError as error:
        if error.status == 404:
            raise
        return _shown(product, error)
    return _shown(product, asked="waiting" if g.caller.signed_in else "confirm")


def _ask(product: dict[str, Any]) -> None:
    product_id = parse_id(product["id"], "product")
    variant = parse_id(request.form.get("variant_id", ""), "variant")
    if g.caller.signed_in:
        alerts.ask_as_member(g.caller.member_id(), product_id, variant)
        return
    form = EmailForm(request.form)
    if not form.validate():
        raise Invalid({"email": form.errors["email"]}, form.errors["email"][0])
    alerts.ask_as_guest(form.email.data, product_id, variant)


def _shown(product: dict[str, Any], error: ShopError | None = None, **more: Any) -> Response:
    """The part that htmx asked for, else a page that holds it."""
    template = "shop/_stock_alert.html" if is_htmx() else "shop/stock_alert.html"
    context = {"product": product, "alert_problem": problem(error) if error else None, "form": request.form, **more}
    return make_response(render_template(template, **context), error.status if error else 200)


@pages.get("/stock-alerts/confirm")
@shopper
def confirm_alert_form() -> str:
    """Where the mailed link leads; looking at it changes nothing."""
    return render_template("shop/alert_confirm.html", stage="ask", token=request.args.get("token", ""))


@pages.post("/stock-alerts/confirm")
@shopper
@limited("auth")
@commits_itself
def confirm_alert() -> Response:
    """Take the token as the wish of the address' owner."""
    try:
        found = run_unit(lambda: alerts.confirm(request.form.get("token", "")))
    except ShopError as error:
        shown = render_template("shop/alert_confirm.html", stage="failed", problem=problem(error))
        return make_response(shown, error.status)
    return make_response(render_template("shop/alert_confirm.html", stage="done", found=found))
