"""Which cart a request means: a member's own, else the one its bearer token names. Shared by API and pages."""

from __future__ import annotations

from flask import g, request

from quickshop.cart import service
from quickshop.cart.refs import CartRef

HEADER = "X-Cart-Token"


def header_token() -> str | None:
    """The guest's cart token of an API request."""
    return request.headers.get(HEADER)


def present_cart(token: str | None) -> CartRef | None:
    """The caller's cart, or None. Raises NotFound for a token that is not ours."""
    return service.open_cart(g.caller, token)


def cart_to_fill(token: str | None) -> CartRef:
    """The caller's cart, a new one where there is none."""
    return present_cart(token) or service.start_cart(g.caller)
