"""The cart page, the drawer, and the forms of both. Without scripts each form ends on the cart page."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, make_response, render_template, request
from werkzeug.datastructures import MultiDict

from blueprints.http.commits import commits_itself
from blueprints.http.page_access import shopper
from blueprints.http.pages import go, is_htmx
from blueprints.storefront import guest_cart
from blueprints.storefront.pages import note_cart, pages, problem
from quickshop.cart import service
from quickshop.cart.errors import CartClosed
from quickshop.cart.queries import cart_view
from quickshop.cart.refs import CartRef
from quickshop.catalog import queries
from quickshop.checkout.service import priced_cart
from quickshop.kernel.errors import Invalid, NotFound, ShopError
from quickshop.kernel.ids import parse_id
from quickshop.kernel.unit_of_work import run_unit

Form = MultiDict[str, str]


@pages.get("/cart")
@shopper
def cart() -> str:
    """The whole cart."""
    return render_template("shop/cart.html", **_cart())


@pages.get("/cart/drawer")
@shopper
def drawer() -> Response:
    """What the drawer holds; a browser that comes here by itself gets the page."""
    return shown("drawer")


@pages.post("/cart/items")
@shopper
@commits_itself
def add() -> Response:
    """Add units of a variant, named by its id or by the product and the chosen options."""
    try:
        variant_id, name = _variant(request.form)
        quantity = _quantity(request.form, least=1)
        guest_cart.keep(_add(variant_id, quantity))
    except ShopError as error:
        return shown("drawer", error)
    return shown("drawer", added=name)


def _add(variant_id: UUID, quantity: int) -> CartRef:
    def work() -> CartRef:
        ref = guest_cart.to_fill()
        service.add_item(ref, variant_id, quantity)
        return ref

    try:
        return run_unit(work)
    except CartClosed:
        guest_cart.forget()  # it was ordered meanwhile, in another window perhaps: begin a new one
        return run_unit(work)


def _variant(form: Form) -> tuple[UUID, str]:
    """The variant that a product form means, and the product's name. Raises NotFound, Invalid."""
    product = queries.get_product(form.get("product", ""))
    chosen = {name.removeprefix("option."): value for name, value in form.items() if name.startswith("option.")}
    wanted = form.get("variant_id")
    for variant in product["variants"]:
        if variant["id"] == wanted if wanted else variant["options"] == chosen:
            return UUID(variant["id"]), product["name"]
    raise Invalid({"variant_id": ["Not made."]}, "This combination is not made. Please choose another.")


def _quantity(form: Form, least: int) -> int:
    text = form.get("quantity", "")
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and int(text) >= least):
        message = f"A quantity is a whole number from {least} to {service.LARGEST_QUANTITY}."
        raise Invalid({"quantity": [message]}, message)
    return int(text)


@pages.post("/cart/items/<item_id>")
@shopper
@commits_itself
def change(item_id: str) -> Response:
    """Set an item's quantity; 0 removes it."""
    try:
        quantity = _quantity(request.form, least=0)
        run_unit(lambda: service.set_quantity(_existing(), parse_id(item_id, "cart item"), quantity))
    except ShopError as error:
        return shown(request.form.get("view", "page"), error)
    return shown(request.form.get("view", "page"))


@pages.post("/cart/items/<item_id>/remove")
@shopper
@commits_itself
def remove(item_id: str) -> Response:
    """Take an item out."""
    try:
        run_unit(lambda: service.remove_item(_existing(), parse_id(item_id, "cart item")))
    except ShopError as error:
        return shown(request.form.get("view", "page"), error)
    return shown(request.form.get("view", "page"))


def _existing() -> CartRef:
    ref = guest_cart.present()
    if ref is None:
        raise NotFound("cart")
    return ref


def _cart() -> dict[str, Any]:
    ref = guest_cart.present()
    return {"cart": note_cart(priced_cart(cart_view(ref), ref))}


def shown(view: str, error: ShopError | None = None, **more: Any) -> Response:
    """The cart after a change: the part that htmx asked for, else the cart page (by redirect when all is well)."""
    context = {**_cart(), **more, "problem": problem(error) if error else None}
    status = error.status if error else 200
    if is_htmx():
        template = "shop/_drawer.html" if view == "drawer" else "shop/_cart_body.html"
        return make_response(render_template(template, fragment=True, **context), status)
    if error is None:
        return go("/cart")
    return make_response(render_template("shop/cart.html", **context), status)
