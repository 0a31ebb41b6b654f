"""Minting and verifying the signed tokens (JWT). Which sessions live, and which refresh token is current, is core."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt
from flask import Flask, current_app
from flask_jwt_extended import JWTManager, create_access_token, create_refresh_token, decode_token
from flask_jwt_extended.exceptions import JWTExtendedException

from quickshop.accounts.refreshing import SignedIn
from quickshop.kernel.errors import Unauthenticated

ACCESS_SECONDS = 30 * 60
LEEWAY_SECONDS = 10
_REMEMBERED = 4096
_LONGEST = 4096
_HEADER_FIELDS = frozenset({"alg", "typ", "kid"})


class TokenInvalid(Unauthenticated):
    """The token is forged, broken, of another kind or for somebody else."""

    code, title = "token_invalid", "The token is not valid"


class TokenExpired(Unauthenticated):
    """The token was ours and its time is over."""

    code, title = "token_expired", "The token has expired"


@dataclass(frozen=True)
class AccessClaims:
    """What a verified access token says."""

    user_id: UUID
    session_id: UUID
    expires_at: int


class _Verified:
    """Access tokens verified lately, so that a signature is checked once and not at each request."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, AccessClaims] = OrderedDict()

    def get(self, token: str) -> AccessClaims | None:
        claims = self._known.get(token)
        if claims is not None and claims.expires_at + LEEWAY_SECONDS <= time.time():
            self._known.pop(token, None)
            return None
        return claims

    def put(self, token: str, claims: AccessClaims) -> None:
        self._known[token] = claims
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)


def install_tokens(app: Flask) -> None:
    """Configure flask-jwt-extended: one algorithm, headers only, issuer, audience, lifetimes."""
    key = hmac.new(app.config["SECRET_KEY"].encode(), b"quickshop/jwt", hashlib.sha256).hexdigest()
    app.config.update(
        JWT_SECRET_KEY=key,
        JWT_ALGORITHM="HS256",
        JWT_DECODE_ALGORITHMS=["HS256"],
        JWT_TOKEN_LOCATION=["headers"],
        JWT_COOKIE_CSRF_PROTECT=False,  # pages have one mechanism, Flask-WTF's; it also keeps refresh tokens steady
        JWT_ENCODE_ISSUER="quickshop",
        JWT_DECODE_ISSUER="quickshop",
        JWT_ENCODE_AUDIENCE="quickshop-api",
        JWT_DECODE_AUDIENCE="quickshop-api",
        JWT_DECODE_LEEWAY=LEEWAY_SECONDS,
        JWT_ACCESS_TOKEN_EXPIRES=timedelta(seconds=ACCESS_SECONDS),
        JWT_REFRESH_TOKEN_EXPIRES=timedelta(days=7),
    )
    JWTManager(app)
    app.extensions["quickshop.tokens"] = (hashlib.sha256(key.encode()).hexdigest()[:8], _Verified())


def _key_id() -> str:
    return str(current_app.extensions["quickshop.tokens"][0])


def _decode(token: str, kind: str) -> Mapping[str, Any]:
    """The claims of a token of this kind. Raises TokenInvalid, TokenExpired."""
    if len(token) > _LONGEST:
        raise TokenInvalid
    try:
        header = jwt.get_unverified_header(token)
        # Only our own key may be named, and none may be brought along (jku, x5u, jwk).
        if not header.keys() <= _HEADER_FIELDS or header.get("kid") != _key_id():
            raise TokenInvalid
        claims = decode_token(token)
    except jwt.ExpiredSignatureError:
        raise TokenExpired from None
    except (jwt.PyJWTError, JWTExtendedException, ValueError, TypeError, KeyError):
        raise TokenInvalid from None
    if claims.get("type") != kind or not all(claims.get(name) for name in ("exp", "iat", "jti", "sid", "sub")):
        raise TokenInvalid
    return claims


def read_access_token(token: str) -> AccessClaims:
    """The claims of an access token; whether its session lives is not asked here. Raises TokenInvalid, TokenExpired."""
    verified: _Verified = current_app.extensions["quickshop.tokens"][1]
    claims = verified.get(token)
    if claims is None:
        raw = _decode(token, "access")
        try:
            claims = AccessClaims(UUID(raw["sub"]), UUID(raw["sid"]), int(raw["exp"]))
        except (ValueError, TypeError, AttributeError):
            raise TokenInvalid from None
        verified.put(token, claims)
    return claims


def read_refresh_token(token: str) -> str:
    """The secret inside a refresh token, for `sessions.refresh`. Raises TokenInvalid, TokenExpired."""
    return str(_decode(token, "refresh")["jti"])


def token_pair(signed_in: SignedIn) -> dict[str, Any]:
    """A fresh access token and the session's current refresh token, in the API's form.

    The refresh token follows from the session's state alone, so two answers about one rotation are the same text.
    """
    user, headers = str(signed_in.user_id), {"kid": _key_id()}
    sid = str(signed_in.session_id)
    issued = int(signed_in.refresh_issued_at.timestamp())
    refresh_claims = {
        "jti": signed_in.refresh_secret,
        "sid": sid,
        "iat": issued,
        "nbf": issued,
        "exp": int(signed_in.refresh_expires_at.timestamp()),
    }
    return {
        "access_token": create_access_token(user, additional_claims={"sid": sid}, additional_headers=headers),
        "refresh_token": create_refresh_token(user, additional_claims=refresh_claims, additional_headers=headers),
        "token_type": "Bearer",
        "expires_in": ACCESS_SECONDS,
    }
