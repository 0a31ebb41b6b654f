"""Who may call a view of the API: one decorator per view, which also sets `g.caller`.

Under /api a caller is known by the Authorization header alone; a cookie is never read here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import g, request

from blueprints.http.actors import act_as
from blueprints.http.audits import refusing
from blueprints.http.tokens import AccessClaims, TokenInvalid, read_access_token
from quickshop.accounts import sessions
from quickshop.accounts.callers import ANONYMOUS, Caller
from quickshop.accounts.permissions import Permission
from quickshop.kernel.errors import Unauthenticated

View = TypeVar("View", bound=Callable[..., Any])


def bearer() -> str | None:
    """The token of the Authorization header, or None without one. Raises TokenInvalid for another scheme."""
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise TokenInvalid("Send `Authorization: Bearer <token>`.")
    return token.strip()


def claims() -> AccessClaims | None:
    """What the request's access token says, verified once per request; None without one."""
    if "claims" not in g:
        token = bearer()
        g.claims = read_access_token(token) if token else None
    return g.claims


def load_caller(*, fresh: bool = False) -> Caller:
    """The caller of this request, ANONYMOUS without a token.

    The session is checked too: at most 30 s old, or now where `fresh`. Raises Unauthenticated for a bad token.
    """
    found = claims()
    return sessions.caller(found.session_id, found.user_id, fresh=fresh) if found else ANONYMOUS


def _anybody(_caller: Caller) -> None:
    """No more is asked of the caller than to be who they say."""


def _guard(view: View, access: str, load: Callable[[], Caller], check: Callable[[Caller], None] = _anybody) -> View:
    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        g.access = access
        g.caller = caller = load()
        act_as(caller)
        with refusing():
            check(caller)
        return view(*args, **kwargs)

    guarded.access = access  # type: ignore[attr-defined]
    return guarded  # type: ignore[return-value]


def public(view: View) -> View:
    """Everybody, and nobody is looked at: a token is not even read."""
    return _guard(view, "public", lambda: ANONYMOUS)


def anyone(view: View) -> View:
    """Guests and members; a token that is given must be good."""
    return _guard(view, "anyone", load_caller)


def _member(*, fresh: bool) -> Caller:
    caller = load_caller(fresh=fresh)
    if caller.user_id is None:
        raise Unauthenticated("This needs an access token.")
    return caller


def member(view: View) -> View:
    """Signed-in users."""
    return _guard(view, "member", lambda: _member(fresh=False))


def member_now(view: View) -> View:
    """Signed-in users whose session is looked up at this moment: for changes of the account itself."""
    return _guard(view, "member", lambda: _member(fresh=True))


def staff(permission: Permission) -> Callable[[View], View]:
    """Staff with a permission, looked up at this moment. A refusal stands in the audit log."""

    def load() -> Caller:
        return _member(fresh=True)

    return lambda view: _guard(view, f"staff:{permission}", load, lambda caller: caller.require(permission))
