"""Wishlists on the pages: the heart on a product, one's lists in the account, and a list that a link shows."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, g, make_response, render_template, request

from blueprints.http.commits import commits_itself
from blueprints.http.page_access import member_page, shopper
from blueprints.http.pages import go, is_htmx
from blueprints.storefront import guest_cart
from blueprints.storefront.accounts import local_path
from blueprints.storefront.forms import NameForm
from blueprints.storefront.pages import pages, problem
from quickshop.accounts.callers import ANONYMOUS
from quickshop.cart import service as carts
from quickshop.extensions import settings
from quickshop.kernel.errors import ShopError
from quickshop.kernel.ids import parse_id
from quickshop.kernel.unit_of_work import run_unit
from quickshop.wishlists import alerts, queries, service

LISTS = "/account/wishlists"


def wished() -> frozenset[str]:
    """The variants on the caller's lists; read once per request, and of members only."""
    if "wished" not in g:
        caller = g.get("caller", ANONYMOUS)
        g.wished = queries.wished(caller.user_id) if caller.user_id else frozenset()
    return frozenset(g.wished)


def share_address(path: str) -> str:
    """An address of this shop as others can use it."""
    return settings().public_url + path


@pages.app_context_processor
def _context() -> dict[str, Any]:
    return {"wished": wished, "share_address": share_address}


# --- the heart -----------------------------------------------------------------------------------------


@pages.post("/wishlists/items")
@shopper
@commits_itself
def wish() -> Response:
    """Put a variant on the default list, or take it from every list. Guests are asked to sign in first."""
    back, variant_id = local_path(request.form.get("next")), request.form.get("variant_id", "")
    if not g.caller.signed_in:
        address = f"/sign-in?next={back}"
        return _elsewhere(address) if is_htmx() else go(address)
    member, variant = g.caller.member_id(), parse_id(variant_id, "variant")
    if request.form.get("wish") == "off":
        run_unit(lambda: service.drop(member, variant))
    else:
        run_unit(lambda: service.put(member, service.default_list(member), variant))
    if is_htmx():
        name = request.form.get("name", "")[:200]
        part = render_template("shop/_wishlist_button.html", wish_id=variant_id, wish_name=name, wish_back=back)
        return make_response(part)
    return go(back)


def _elsewhere(address: str) -> Response:
    answer = make_response("", 204)
    answer.headers["HX-Redirect"] = address
    return answer


# --- the account ---------------------------------------------------------------------------------------


@pages.get(LISTS)
@member_page
def wishlists() -> Response:
    """One's lists, and what one waits for."""
    return _lists()


def _lists(error: ShopError | None = None, errors: Any = None) -> Response:
    member = g.caller.member_id()
    shown = render_template(
        "shop/wishlists.html",
        section="wishlists",
        lists=queries.lists_of(member),
        alerts=queries.alerts_of(member),
        errors=errors or {},
        form=request.form,
        problem=problem(error) if error else None,
    )
    return make_response(shown, error.status if error else 422 if errors else 200)


@pages.post(LISTS)
@member_page
@commits_itself
def create_wishlist() -> Response:
    """Make a list."""
    form = NameForm(request.form)
    if not form.validate():
        return _lists(errors=form.errors)
    try:
        made = run_unit(lambda: service.create(g.caller.member_id(), form.name.data))
    except ShopError as error:
        return _lists(error)
    return go(f"{LISTS}/{made}")


@pages.get(f"{LISTS}/<wishlist_id>")
@member_page
def wishlist(wishlist_id: str) -> Response:
    """One of one's lists."""
    return _list(parse_id(wishlist_id, "wishlist"))


def _list(wishlist_id: UUID, error: ShopError | None = None, errors: Any = None) -> Response:
    member = g.caller.member_id()
    found = queries.wishlist(member, wishlist_id, limit=48, cursor=request.args.get("cursor") or None)
    shown = render_template(
        "shop/wishlist.html",
        section="wishlists",
        wishlist=found,
        others=[other for other in queries.lists_of(member) if other["id"] != found["id"]],
        errors=errors or {},
        problem=problem(error) if error else None,
    )
    return make_response(shown, error.status if error else 422 if errors else 200)


# What the buttons of a list's settings change.
_CHANGES: dict[str, dict[str, bool]] = {
    "share": {"shared": True},
    "unshare": {"shared": False},
    "alerts-on": {"price_alerts": True},
    "alerts-off": {"price_alerts": False},
    "default": {"default": True},
}


@pages.post(f"{LISTS}/<wishlist_id>")
@member_page
@commits_itself
def change_wishlist(wishlist_id: str) -> Response:
    """Rename a list, or press one of its switches."""
    found = parse_id(wishlist_id, "wishlist")
    changes: dict[str, Any] = dict(_CHANGES.get(request.form.get("change", ""), {}))
    if "name" in request.form:
        form = NameForm(request.form)
        if not form.validate():
            return _list(found, errors=form.errors)
        changes["name"] = form.name.data
    run_unit(lambda: service.change(g.caller.member_id(), found, changes))
    return go(f"{LISTS}/{found}")


@pages.post(f"{LISTS}/<wishlist_id>/delete")
@member_page
@commits_itself
def remove_wishlist(wishlist_id: str) -> Response:
    """Delete a list."""
    run_unit(lambda: service.remove(g.caller.member_id(), parse_id(wishlist_id, "wishlist")))
    return go(LISTS)


@pages.post(f"{LISTS}/<wishlist_id>/items/<variant_id>/<what>")
@member_page
@commits_itself
def change_item(wishlist_id: str, variant_id: str, what: str) -> Response:
    """Remove an item, move it to the cart, or to another list."""
    found, variant = parse_id(wishlist_id, "wishlist"), parse_id(variant_id, "variant")
    member = g.caller.member_id()

    def work() -> None:
        if what == "move-to-cart":
            carts.add_item(guest_cart.to_fill(), variant, 1)
        elif what == "move":
            service.put(member, parse_id(request.form.get("list", ""), "wishlist"), variant)
        service.take(member, found, variant)

    if what not in ("remove", "move-to-cart", "move"):
        parse_id("", "page")
    try:
        run_unit(work)
    except ShopError as error:
        if error.status == 404:
            raise
        return _list(found, error)
    return go("/cart" if what == "move-to-cart" else f"{LISTS}/{found}")


@pages.post(f"{LISTS}/alerts/<variant_id>/cancel")
@member_page
@commits_itself
def cancel_alert(variant_id: str) -> Response:
    """Wait for something no longer."""
    run_unit(lambda: alerts.cancel(g.caller.member_id(), parse_id(variant_id, "variant")))
    return go(LISTS)


# --- by link -------------------------------------------------------------------------------------------


@pages.get("/wishlists/shared/<token>")
@shopper
def shared_wishlist(token: str) -> Response:
    """A list as the holder of its link sees it. The address is a key: it is told to no other site, and not indexed."""
    found = queries.shared_wishlist(token, limit=48, cursor=request.args.get("cursor") or None)
    answer = make_response(render_template("shop/wishlist_shared.html", wishlist=found, token=token))
    answer.headers["Referrer-Policy"] = "same-origin"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer
