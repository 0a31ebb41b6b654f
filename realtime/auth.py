"""Who is at the other end of a socket: an access token, a guest's order token, the web's cookie, or nobody.

A token that is given must be good: a bad one is refused, never taken for nobody.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import jwt
from flask import current_app
from flask_jwt_extended import decode_token
from flask_jwt_extended.exceptions import JWTExtendedException
from werkzeug.http import parse_cookie

from quickshop.accounts import sessions
from quickshop.accounts.callers import ANONYMOUS, Caller
from quickshop.accounts.permissions import Permission
from quickshop.extensions import settings
from quickshop.kernel.errors import Invalid, ShopError
from quickshop.orders.viewers import Viewer, order_of_token
from realtime.problems import TokenExpired, TokenInvalid

_LONGEST = 4096
_HEADER_FIELDS = frozenset({"alg", "typ", "kid"})
_CLAIMS = ("exp", "iat", "jti", "sid", "sub")
_CREDENTIALS = frozenset({"token", "order_token"})


@dataclass(frozen=True)
class Principal:
    """Whoever opened a socket. `expires_at` is the end of the access token (Unix seconds), None without one."""

    caller: Caller = ANONYMOUS
    expires_at: int | None = None
    order_token: str | None = None

    def viewer(self) -> Viewer:
        """As somebody who looks at orders."""
        caller = self.caller
        return Viewer(caller.user_id, self.order_token, staff=caller.may(Permission.ORDERS_READ))

    def expired(self) -> bool:
        """Whether the access token has run out."""
        return self.expires_at is not None and self.expires_at <= time.time()


def by_token(token: str) -> Principal:
    """The holder of an access token whose session lives now. Raises TokenInvalid, TokenExpired, SessionEnded.

    No use of the session: sockets open by themselves.
    """
    user_id, session_id, expires_at = _read(token)
    return Principal(sessions.caller(session_id, user_id, fresh=True, touch=False), expires_at)


def by_credentials(auth: Any, environ: Mapping[str, Any]) -> Principal:
    """Who connects. Raises Invalid, TokenInvalid, TokenExpired, SessionEnded."""
    given = _credentials(auth)
    token, order_token = given.get("token"), given.get("order_token")
    if order_token is not None and order_of_token(order_token) is None:
        raise TokenInvalid("This is no order's token.")
    if token is not None:
        principal = by_token(token)
    else:
        principal = _by_cookie(environ, must=order_token is None)
    return Principal(principal.caller, principal.expires_at, order_token)


def _credentials(auth: Any) -> dict[str, str]:
    if auth is None:
        return {}
    if not isinstance(auth, dict):
        raise Invalid({"auth": ["Not an object."]})
    errors = {
        f"auth.{name}": ["Unknown field." if name not in _CREDENTIALS else "Not a token."]
        for name, value in auth.items()
        if name not in _CREDENTIALS or not isinstance(value, str) or not 0 < len(value) <= _LONGEST
    }
    if errors:
        raise Invalid(errors)
    return auth


def _by_cookie(environ: Mapping[str, Any], *, must: bool) -> Principal:
    """The member the browser's cookie names. Beside a good order token a cookie that has run out does no harm."""
    name = "__Host-access" if settings().secure_cookies else "access"
    token = parse_cookie(environ.get("HTTP_COOKIE", "")).get(name)
    if not token:
        return Principal()
    try:
        return by_token(token)
    except ShopError:
        if must:
            raise
        return Principal()


def _read(token: str) -> tuple[UUID, UUID, int]:
    """User, session and end of an access token, by the rules that REST has: one algorithm, our key, our audience."""
    if not isinstance(token, str) or len(token) > _LONGEST:
        raise TokenInvalid
    try:
        header = jwt.get_unverified_header(token)
        if not header.keys() <= _HEADER_FIELDS or header.get("kid") != current_app.extensions["quickshop.tokens"][0]:
            raise TokenInvalid
        claims = decode_token(token)
        if claims.get("type") != "access" or not all(claims.get(name) for name in _CLAIMS):
            raise TokenInvalid
        return UUID(claims["sub"]), UUID(claims["sid"]), int(claims["exp"])
    except jwt.ExpiredSignatureError:
        raise TokenExpired from None
    except (jwt.PyJWTError, JWTExtendedException, ValueError, TypeError, KeyError, AttributeError):
        raise TokenInvalid from None
