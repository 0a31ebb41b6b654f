"""The cart that a page request means: a member's own, else the one that the cookie names."""

from __future__ import annotations

from flask import g

from blueprints.http import cookies
from blueprints.http.cookies import Cookie
from blueprints.storefront.shown_currency import shown_currency
from quickshop.accounts.callers import ANONYMOUS
from quickshop.cart import service
from quickshop.cart.refs import CartRef
from quickshop.kernel.errors import NotFound


def token() -> str | None:
    """The guest's cart token of this browser."""
    return cookies.read(Cookie.CART)


def forget() -> None:
    """Let go of a guest's cart: it was ordered, merged, or never ours."""
    cookies.erase(Cookie.CART)


def present() -> CartRef | None:
    """The caller's cart, or None; a cookie that names no cart of ours is dropped."""
    try:
        return service.open_cart(g.get("caller", ANONYMOUS), token())
    except NotFound:
        forget()
        return None


def to_fill() -> CartRef:
    """The caller's cart, a new one in the shown currency where there is none. Writes; the caller commits."""
    return present() or service.start_cart(g.caller, shown_currency())


def keep(ref: CartRef) -> None:
    """Let the browser of a guest find this cart again."""
    if ref.user_id is None:
        cookies.write(Cookie.CART, ref.token)
