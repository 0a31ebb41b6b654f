"""Checkout on one page: the form, its totals, and placing the order once however often it is sent."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any
from uuid import UUID

from flask import Response, g, make_response, render_template, request
from werkzeug.datastructures import MultiDict

from blueprints.http import request_id
from blueprints.http.commits import commits_itself
from blueprints.http.formatting import money
from blueprints.http.limits import limited
from blueprints.http.orders import device
from blueprints.http.page_access import shopper, shopper_now
from blueprints.http.pages import go, is_htmx
from blueprints.storefront import guest_cart, guest_orders
from blueprints.storefront.cards import chosen_payment, payment_options, saved_cards
from blueprints.storefront.forms import AddressForm, CheckoutForm, ChoicesForm, GuestCheckoutForm
from blueprints.storefront.pages import field_errors, note_cart, pages, problem
from quickshop.accounts.addresses import address_book, keep_address
from quickshop.accounts.countries import NAMES
from quickshop.accounts.errors import TooManyAddresses
from quickshop.accounts.places import Place, place_of
from quickshop.accounts.queries import me
from quickshop.cart.errors import CartEmpty
from quickshop.cart.queries import cart_view
from quickshop.checkout import service
from quickshop.checkout.errors import PriceChanged
from quickshop.checkout.service import PlaceOrder
from quickshop.kernel import idempotency
from quickshop.kernel.errors import Invalid, ShopError
from quickshop.kernel.ids import new_id
from quickshop.kernel.money import Money
from quickshop.kernel.unit_of_work import run_unit

ROUTE = "POST /checkout"
FIRST_COUNTRY = "US"
NEW, SAME = "new", "same"  # an address that is typed; a bill that goes where the parcel goes


@pages.get("/checkout")
@shopper
@limited("checkout")
def checkout() -> Response:
    """The empty form; without a cart there is nothing to check out."""
    typed = MultiDict({"country": FIRST_COUNTRY, "idempotency_key": str(new_id())})
    return page(typed)


@pages.post("/checkout/begin")
@shopper
@limited("checkout")
@commits_itself
def begin() -> Response:
    """Hold what is in the cart, then show the form."""
    _hold()
    return go("/checkout")


@pages.post("/checkout/quote")
@shopper
@limited("checkout")
@commits_itself
def quote() -> Response:
    """The totals for what is chosen, with the stock held meanwhile: the review alone for htmx, else the page."""
    held_until = _hold()
    if not is_htmx():
        return page(request.form)
    context = _context(request.form) | {"held_until": held_until}
    if not context["cart"]["items"]:
        # The order was placed while this was on its way: the page is leaving, do not send it elsewhere.
        return make_response("", 204)
    return make_response(render_template("shop/_review.html", fragment=True, **context))


def _hold() -> str | None:
    """Hold the cart's stock, or extend the hold; None where that is not possible (the page's warnings say why)."""
    try:
        return str(run_unit(lambda: service.start_hold(guest_cart.present()))["expires_at"])
    except ShopError:
        return None


@pages.post("/checkout")
@shopper_now
@limited("checkout")
@commits_itself
def place() -> Response:
    """Place the order. The key of the form makes a second sending give the same order."""
    try:
        form = _form()
        if not form.validate():
            return page(request.form, errors=form.errors, status=422)
        number, token = run_unit(lambda: _place(form))
    except CartEmpty:
        return go("/cart")
    except ShopError as error:
        return page(request.form, errors=field_errors(error), error=error, status=error.status)
    if token:
        guest_orders.keep(number, token)
        guest_cart.forget()
    return go(f"/orders/{number}")


def _form() -> ChoicesForm:
    """The form that fits who is looking, and whether the address is typed."""
    if not g.caller.signed_in:
        return GuestCheckoutForm(request.form)
    return CheckoutForm(request.form) if _chosen("address") is None else ChoicesForm(request.form)


def _chosen(field: str) -> UUID | None:
    """The address of the book that a member chose in this field. Raises Invalid for what is none."""
    value = request.form.get(field, "")
    if not g.caller.signed_in or value in ("", NEW, SAME):
        return None
    try:
        return UUID(value)
    except ValueError:
        raise Invalid({field: ["Please choose an address."]}, "Please choose an address.") from None


def _place(form: ChoicesForm) -> tuple[str, str | None]:
    """The order's number and, for a guest, its token. One unit of work with the key that binds them."""
    ref = guest_cart.present()
    payment = chosen_payment(form.payment.data)
    wish = PlaceOrder(
        shipping_address=form.address() if isinstance(form, AddressForm) else None,
        shipping_address_id=_chosen("address"),
        billing_address_id=_chosen("billing"),
        shipping_method=form.shipping_method.data,
        payment_token=payment.token,
        payment_method_id=payment.method_id,
        expected_total=_expected(request.form),
        email=form["email"].data if "email" in form else None,
        device=device(),
        request_id=request_id.current(),
    )
    whose = f"user:{g.caller.user_id}" if g.caller.signed_in else f"cart:{ref.id if ref else None}"
    where = [wish.shipping_address, str(wish.shipping_address_id), str(wish.billing_address_id)]
    body = json.dumps([where, wish.shipping_method, form.payment.data, wish.email])
    slot = idempotency.slot(whose, ROUTE, idempotency.form_key(form.idempotency_key.data), body.encode())
    stored = idempotency.enter(slot)
    if stored:
        number, token = json.loads(stored.body)
        return number, token
    if ref is None:
        raise CartEmpty("Put something in the cart first.")
    order = service.place_order(g.caller, ref, wish)
    if g.caller.signed_in and wish.shipping_address and request.form.get("save_address"):
        with suppress(TooManyAddresses):  # the order stands all the same
            keep_address(g.caller.user_id, wish.shipping_address)
    # The cart is named by the key's owner, so the token goes to nobody but the one who ordered.
    idempotency.bind(slot, 202, json.dumps([order["number"], order.get("token")]).encode())
    return order["number"], order.get("token")


def _expected(form: MultiDict[str, str]) -> Money:
    """The total that stood on the page. Raises Invalid for what is no amount."""
    amount, currency = form.get("expected_amount", ""), form.get("expected_currency", "")
    if not (amount.isascii() and amount.isdigit() and len(amount) <= 15 and len(currency) == 3):
        raise Invalid({"expected_total": ["Missing."]}, "Please look at the total once more, then place the order.")
    return Money(int(amount), currency)


def page(
    typed: MultiDict[str, str],
    *,
    errors: dict[str, Any] | None = None,
    error: ShopError | None = None,
    status: int = 200,
) -> Response:
    context = _context(typed)
    if not context["cart"]["items"]:
        return go("/cart")
    if error is not None:
        context["problem"] = _told(error)
    elif errors:
        context["problem"] = {"title": "Please look at these again", "detail": "Some fields need another look."}
    rendered = render_template("shop/checkout.html", **context, errors=errors or {})
    return make_response(rendered, status)


def _told(error: ShopError) -> dict[str, Any]:
    """A refusal with what the page can say better: a new total is a question, not a failure."""
    if not isinstance(error, PriceChanged):
        return problem(error)
    before, now = money(error.extra["expected_total"]), money(error.extra["actual_total"])
    detail = f"It is {now} now; it was {before}. Nothing has been ordered yet: press the button again if that is fine."
    return {**problem(error), "title": "Please look at the total", "detail": detail, "tone": "warn"}


def _context(typed: MultiDict[str, str]) -> dict[str, Any]:
    """What the form and its parts show, with the totals of now."""
    ref = guest_cart.present()
    cart = note_cart(cart_view(ref))
    found, refusal = None, None
    if cart["items"]:
        try:
            found = service.quote(ref, typed.get("shipping_method"), _destination(typed), lenient=True)
        except ShopError as error:
            refusal = problem(error)
    caller = g.caller
    return {
        "cart": cart,
        "quote": found,
        "held_until": service.held_until(ref),
        "problem": refusal,
        "form": typed,
        "countries": NAMES.items(),
        "payment_options": payment_options(),
        "saved_cards": saved_cards(caller),
        **_book(typed),
        "idempotency_key": typed.get("idempotency_key") or str(new_id()),
        "member_email": me(caller.user_id)["email"] if caller.signed_in else None,
    }


def _book(typed: MultiDict[str, str]) -> dict[str, Any]:
    """A member's addresses, and which of them stand chosen: the defaults until somebody chose otherwise."""
    saved = address_book(g.caller.user_id) if g.caller.signed_in else []
    shipping = next((entry["id"] for entry in saved if entry["default_shipping"]), NEW)
    billing = next((entry["id"] for entry in saved if entry["default_billing"]), SAME)
    return {
        "saved_addresses": saved,
        "address": typed.get("address", shipping),
        "billing": typed.get("billing", SAME if billing == shipping else billing),
    }


def _destination(typed: MultiDict[str, str]) -> Place | None:
    """Where the parcel goes, as far as that is known: a chosen address of the book, else what is typed so far."""
    saved = {entry["id"]: entry for entry in address_book(g.caller.user_id)} if g.caller.signed_in else {}
    first = next((key for key, entry in saved.items() if entry["default_shipping"]), NEW)
    return place_of(saved.get(typed.get("address", first), typed))
