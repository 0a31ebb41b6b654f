"""Cookies of the pages: their names and attributes, and the one place that sets them. The API reads none of them.

Names begin with `__Host-` behind HTTPS: "access", "refresh" (a member's tokens), "cart" (a guest's cart token),
"orders" (the tokens of a guest's last orders), "recent" (products looked at) and "currency" (what prices are shown
in). All are HttpOnly, host-only,
SameSite=Lax.
"""

from __future__ import annotations

from enum import StrEnum

from flask import Flask, Response, g, request

from quickshop.extensions import settings

DAY = 24 * 3600


class Cookie(StrEnum):
    """Every cookie of the pages beside Flask's own session."""

    ACCESS = "access"
    REFRESH = "refresh"
    CART = "cart"
    ORDERS = "orders"
    RECENT = "recent"
    TICKETS = "tickets"
    CURRENCY = "currency"


LIVES = {
    Cookie.ACCESS: 7 * DAY,
    Cookie.REFRESH: 7 * DAY,
    Cookie.CART: 90 * DAY,
    Cookie.ORDERS: 90 * DAY,
    Cookie.RECENT: 30 * DAY,
    Cookie.TICKETS: 90 * DAY,
    Cookie.CURRENCY: 365 * DAY,
}


def cookie_name(cookie: Cookie) -> str:
    """The name on the wire."""
    return f"__Host-{cookie}" if settings().secure_cookies else str(cookie)


def read(cookie: Cookie) -> str | None:
    """What this request will leave the browser with: a value set meanwhile counts before the one sent."""
    waiting: dict[Cookie, str | None] = g.get("cookies", {})
    return waiting[cookie] if cookie in waiting else request.cookies.get(cookie_name(cookie))


def write(cookie: Cookie, value: str) -> None:
    """Set a cookie on the answer of this request, whatever the answer will be."""
    g.setdefault("cookies", {})[cookie] = value


def erase(cookie: Cookie) -> None:
    """Take a cookie from the browser."""
    g.setdefault("cookies", {})[cookie] = None


def _send(response: Response) -> Response:
    secure = settings().secure_cookies
    for cookie, value in g.get("cookies", {}).items():
        name = cookie_name(cookie)
        if value is None:
            response.delete_cookie(name, secure=secure, httponly=True, samesite="Lax")
        else:
            response.set_cookie(name, value, LIVES[cookie], secure=secure, httponly=True, samesite="Lax")
    return response


def install_cookies(app: Flask) -> None:
    """Send what was written."""
    app.after_request(_send)
