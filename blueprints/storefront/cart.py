"""The cart page, the drawer, and the forms of both. Without scripts each form ends on the cart page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from flask import Response, g, make_response, render_template, request, session
from werkzeug.datastructures import MultiDict

from blueprints.http.commits import commits_itself
from blueprints.http.page_access import shopper
from blueprints.http.pages import go, is_htmx
from blueprints.storefront import guest_cart
from blueprints.storefront.pages import cart_count, note_cart, pages, problem
from quickshop.cart import service
from quickshop.cart.errors import CartClosed
from quickshop.cart.queries import Told, cart_view, undo_of
from quickshop.cart.refs import CartRef
from quickshop.catalog import queries
from quickshop.checkout.service import priced_cart
from quickshop.extensions import settings
from quickshop.kernel import idempotency
from quickshop.kernel.crypto import digest
from quickshop.kernel.errors import Invalid, NotFound, ShopError
from quickshop.kernel.ids import new_id, parse_id
from quickshop.kernel.unit_of_work import run_unit

Form = MultiDict[str, str]


@pages.get("/cart")
@shopper
def cart() -> str:
    """The whole cart. `removed` names what was just taken out without scripts, so that it can be put back."""
    return render_template("shop/cart.html", **_cart(undo=_undo(request.args.get("removed"))))


def _undo(removed: str | None) -> dict[str, Any] | None:
    ref = guest_cart.present()
    if ref is None or not removed:
        return None
    with suppress(NotFound):
        return undo_of(ref, parse_id(removed, "cart item"))
    return None


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
        slot = _slot(variant_id, quantity)
        stored = idempotency.enter(slot) if slot else None
        if stored:
            with suppress(CartClosed):  # where its cart was ordered meanwhile, this is another wish
                return _still_open(CartRef(UUID(stored.body.decode()), g.caller.user_id))
        ref = guest_cart.to_fill()
        service.add_item(ref, variant_id, quantity)
        if slot and not stored:
            idempotency.bind(slot, 200, str(ref.id).encode())
        return ref

    try:
        return run_unit(work)
    except CartClosed:
        guest_cart.forget()  # it was ordered meanwhile, in another window perhaps: begin a new one
        return run_unit(work)


def _slot(variant_id: UUID, quantity: int) -> idempotency.Slot | None:
    """What makes the same form, sent twice by this browser, one addition; None for a form without a key."""
    key, browser = request.form.get("idempotency_key"), session.get("csrf_token")
    if not key or not browser:
        return None
    chosen = f"{variant_id} {quantity}"  # another choice in the same form is another addition
    named = f"{idempotency.form_key(key)} {chosen}"
    return idempotency.slot(f"page:{digest(browser).hex()}", "POST /cart/items", named, chosen.encode())


def _still_open(ref: CartRef) -> CartRef:
    service.lock(ref)
    return ref


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
        told = run_unit(lambda: service.set_quantity(_existing(), parse_id(item_id, "cart item"), quantity))
    except ShopError as error:
        return shown(request.form.get("view", "page"), error)
    return shown(request.form.get("view", "page"), told=told)


@pages.post("/cart/items/<item_id>/remove")
@shopper
@commits_itself
def remove(item_id: str) -> Response:
    """Take an item out."""
    try:
        undo = run_unit(lambda: service.remove_item(_existing(), parse_id(item_id, "cart item")))
    except ShopError as error:
        return shown(request.form.get("view", "page"), error)
    return shown(request.form.get("view", "page"), undo=undo)


@pages.get("/cart/body")
@shopper
def body() -> Response:
    """The cart's part of the page as it is now, for a page that heard of a change."""
    if not is_htmx():
        return go("/cart")
    return make_response(render_template("shop/_cart_body.html", fragment=True, **_cart()))


@pages.post("/cart/items/<item_id>/restore")
@shopper
@commits_itself
def restore(item_id: str) -> Response:
    """Put back what was taken out."""
    return _moved(lambda ref: service.restore_item(ref, parse_id(item_id, "cart item")))


@pages.post("/cart/items/<item_id>/save-for-later")
@shopper
@commits_itself
def save_for_later(item_id: str) -> Response:
    """Take an item out and keep it for later."""
    return _moved(lambda ref: service.save_for_later(ref, parse_id(item_id, "cart item")))


@pages.post("/cart/saved/<item_id>/move-to-cart")
@shopper
@commits_itself
def move_to_cart(item_id: str) -> Response:
    """Put what was saved for later into the cart."""
    return _moved(lambda ref: service.move_to_cart(ref, parse_id(item_id, "saved item")))


@pages.post("/cart/saved/<item_id>/forget")
@shopper
@commits_itself
def forget_saved(item_id: str) -> Response:
    """Forget what was saved for later."""
    saved_id = parse_id(item_id, "saved item")
    try:
        run_unit(lambda: service.forget_saved(g.caller.user_id, guest_cart.present(), saved_id))
    except ShopError as error:
        return shown("page", error)
    return shown("page")


def _moved(change: Callable[[CartRef], None]) -> Response:
    def work() -> CartRef:
        ref = guest_cart.to_fill()
        change(ref)
        return ref

    try:
        guest_cart.keep(run_unit(work))
    except ShopError as error:
        return shown("page", error)
    return shown("page")


@pages.post("/cart/currency")
@shopper
@commits_itself
def choose_currency() -> Response:
    """Put the cart into another of the shop's currencies."""
    wanted = request.form.get("currency", "")
    return _moved(lambda ref: service.set_currency(ref, wanted))


@pages.post("/cart/seen")
@shopper
@commits_itself
def seen() -> Response:
    """Note that the changes were shown."""
    ref = guest_cart.present()
    if ref is not None:
        with suppress(CartClosed):
            run_unit(lambda: service.mark_seen(ref))
    return make_response("", 204) if is_htmx() else go("/cart")


@pages.post("/cart/share")
@shopper
@commits_itself
def share() -> Response:
    """A link to what is in the cart now."""
    try:
        token = run_unit(lambda: service.share(guest_cart.present()))
    except ShopError as error:
        return shown("page", error)
    context = {**_cart(), "shared_url": f"{settings().public_url}/cart/shared/{token}"}
    return make_response(render_template("shop/cart.html", **context))


@pages.get("/cart/shared/<token>")
@shopper
def shared(token: str) -> str:
    """What a link to a cart leads to: a button, for looking changes nothing."""
    units = sum(service.shared_items(token).values())
    return render_template("shop/shared_cart.html", units=units, token=token)


@pages.get("/cart/back/<token>")
@shopper
def back_to_cart(token: str) -> Response:
    """Where a reminder leads: to the caller's cart where there is something in it, else to what lay in it then."""
    service.shared_items(token)
    return go("/cart" if cart_count() else f"/cart/shared/{token}")


@pages.post("/cart/shared/<token>")
@shopper
@commits_itself
def take_shared(token: str) -> Response:
    """Put what was shared into the cart."""

    def work() -> tuple[CartRef, list[Told]]:
        wanted = service.shared_items(token)
        ref = guest_cart.to_fill()
        return ref, service.fill(ref, wanted)

    try:
        ref, told = run_unit(work)
    except ShopError as error:
        return shown("page", error)
    guest_cart.keep(ref)
    return shown("page", told=told)


def _existing() -> CartRef:
    ref = guest_cart.present()
    if ref is None:
        raise NotFound("cart")
    return ref


def _cart(told: Sequence[Told] = (), undo: dict[str, Any] | None = None) -> dict[str, Any]:
    ref = guest_cart.present()
    return {
        "currencies": settings().currencies,
        "cart": note_cart(priced_cart(cart_view(ref, g.caller.user_id, told, undo), ref)),
    }


def shown(
    view: str,
    error: ShopError | None = None,
    *,
    told: Sequence[Told] = (),
    undo: dict[str, Any] | None = None,
    **more: Any,
) -> Response:
    """The cart after a change: the part that htmx asked for, else the cart page (by redirect when there is no more to
    say than how it is now).
    """
    context = {**_cart(told, undo), **more, "problem": problem(error) if error else None}
    status = error.status if error else 200
    if is_htmx():
        template = "shop/_drawer.html" if view == "drawer" else "shop/_cart_body.html"
        return make_response(render_template(template, fragment=True, **context), status)
    if error is None and not told:
        return go(f"/cart?removed={undo['item_id']}" if undo else "/cart")
    return make_response(render_template("shop/cart.html", **context), status)


@pages.app_context_processor
def _context() -> dict[str, Any]:
    return {"fresh_key": lambda: str(new_id())}
