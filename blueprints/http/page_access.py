"""Who may see a page: one decorator per view, which also sets `g.caller`. Pages know a caller by cookies alone.

An access token that has run out is renewed here by the refresh token, on whatever page it happens.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import g, redirect, request

from blueprints.http import cookies
from blueprints.http.actors import act_as
from blueprints.http.audits import refusing
from blueprints.http.cookies import Cookie
from blueprints.http.tokens import read_access_token, read_refresh_token, token_pair
from quickshop.accounts import sessions
from quickshop.accounts.callers import ANONYMOUS, Caller
from quickshop.accounts.permissions import Permission
from quickshop.accounts.refreshing import SignedIn, refresh
from quickshop.kernel.errors import Unauthenticated

View = TypeVar("View", bound=Callable[..., Any])


def keep_session(signed_in: SignedIn) -> None:
    """Give the browser the tokens of a session."""
    pair = token_pair(signed_in)
    cookies.write(Cookie.ACCESS, pair["access_token"])
    cookies.write(Cookie.REFRESH, pair["refresh_token"])


def forget_session() -> None:
    """Take the tokens from the browser."""
    cookies.erase(Cookie.ACCESS)
    cookies.erase(Cookie.REFRESH)


def page_caller(*, fresh: bool = False, touch: bool = True) -> Caller:
    """Who looks at this page; ANONYMOUS where the cookies name nobody (any more). Never raises for a bad token.

    `touch` is False for what a page asks for by itself: that must not keep a session from ending.
    """
    access, renewal = cookies.read(Cookie.ACCESS), cookies.read(Cookie.REFRESH)
    if access is None and renewal is None:
        return ANONYMOUS
    try:
        if access:
            claims = read_access_token(access)
            return sessions.caller(claims.session_id, claims.user_id, fresh=fresh, touch=touch)
    except Unauthenticated:
        pass  # run out, or of a session that has ended: the refresh token decides
    try:
        return _renewed(renewal, fresh, touch)
    except Unauthenticated:
        forget_session()
        return ANONYMOUS


def _renewed(renewal: str | None, fresh: bool, touch: bool) -> Caller:
    if renewal is None:
        raise Unauthenticated
    signed_in = refresh(read_refresh_token(renewal), touch=touch)
    keep_session(signed_in)
    return sessions.caller(signed_in.session_id, signed_in.user_id, fresh=fresh, touch=touch)


def _guard(
    view: View, access: str, check: Callable[[Caller], None], *, fresh: bool = False, touch: bool = True
) -> View:
    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        g.access = access
        g.caller = page_caller(fresh=fresh, touch=touch)
        act_as(g.caller)
        try:
            with refusing():
                check(g.caller)
        except Unauthenticated:
            return redirect(sign_in_address(), 303)
        return view(*args, **kwargs)

    guarded.access = access  # type: ignore[attr-defined]
    return guarded  # type: ignore[return-value]


def sign_in_address() -> str:
    """The sign-in page, which comes back to this one where it can be asked for again."""
    if request.method != "GET":
        return "/sign-in"
    wanted = request.full_path if request.query_string else request.path
    return "/sign-in?" + urlencode({"next": wanted})


def shopper(view: View) -> View:
    """Guests and members."""
    return _guard(view, "anyone", lambda _caller: None)


def shopper_by_itself(view: View) -> View:
    """Guests and members, for what a page asks for by itself: no use of the session."""
    return _guard(view, "anyone", lambda _caller: None, touch=False)


def shopper_now(view: View) -> View:
    """Guests and members, whose session is looked up at this moment: for what spends money."""
    return _guard(view, "anyone", lambda _caller: None, fresh=True)


def _signed_in(caller: Caller) -> None:
    caller.member_id()


def member_page(view: View) -> View:
    """Signed-in users; others are sent to sign in."""
    return _guard(view, "member", _signed_in)


def member_page_now(view: View) -> View:
    """Signed-in users, whose session is looked up at this moment: for changes of the account itself."""
    return _guard(view, "member", _signed_in, fresh=True)


def member_page_by_itself(view: View) -> View:
    """Signed-in users, for what a page asks for by itself: no use of the session."""
    return _guard(view, "member", _signed_in, touch=False)


def staff_page(permission: Permission) -> Callable[[View], View]:
    """Staff with a permission, looked up at this moment."""
    return lambda view: _guard(view, f"staff:{permission}", lambda caller: caller.require(permission), fresh=True)
