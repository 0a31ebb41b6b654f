"""Who may call a view of the API: one decorator per view, which also sets `g.caller`.

Under /api a caller is known by the Authorization header, or by the X-API-Key header of an integration; a cookie is
never read here. A key has no account: what members do is closed to it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

from flask import g, request

from blueprints.http.actors import act_as
from blueprints.http.audits import refusing
from blueprints.http.tokens import AccessClaims, TokenInvalid, read_access_token
from quickshop.accounts import api_keys, sessions
from quickshop.accounts.callers import ANONYMOUS, Caller
from quickshop.accounts.permissions import Permission
from quickshop.kernel.crypto import digest
from quickshop.kernel.errors import ShopError, Unauthenticated

View = TypeVar("View", bound=Callable[..., Any])

KEY_HEADER = "X-API-Key"
_REMEMBERED = 4096


class TwoCredentials(ShopError):
    """A token and a key in one request: whose request would it be?"""

    status, code, title = 400, "two_credentials", "Send one credential"

    def __init__(self) -> None:
        super().__init__(f"Send either Authorization or {KEY_HEADER}, not both.")


class _GoodKeys:
    """The ids of keys that were good when they were last used: whose budget a request spends, and nothing else."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, UUID] = OrderedDict()

    def get(self, key: str) -> UUID | None:
        return self._known.get(digest(key))

    def put(self, key: str, key_id: UUID) -> None:
        self._known[digest(key)] = key_id
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)


_good_keys = _GoodKeys()


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


def budget_key() -> UUID | None:
    """The id of the API key in the request, where it was good before; whether it still is, the guard looks up."""
    key = request.headers.get(KEY_HEADER)
    return _good_keys.get(key) if key and "Authorization" not in request.headers else None


def _key_caller(key: str) -> Caller:
    if "Authorization" in request.headers:
        raise TwoCredentials
    caller = api_keys.caller_of(key)
    if caller.api_key_id is not None:
        _good_keys.put(key, caller.api_key_id)
    return caller


def load_caller(*, fresh: bool = False) -> Caller:
    """The caller of this request, ANONYMOUS without a token or key.

    The session is checked too: at most 30 s old, or now where `fresh`; a key is always looked up now. Raises
    Unauthenticated for a bad token or key, TwoCredentials.
    """
    key = request.headers.get(KEY_HEADER)
    if key is not None:
        return _key_caller(key)
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
            if access.startswith("staff:"):
                return view(*args, **kwargs)  # what it forbids, to give more than one holds, is noted as well
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
    """Staff with a permission, or an integration whose key has it, looked up at this moment.

    A refusal stands in the audit log.
    """

    def load() -> Caller:
        caller = load_caller(fresh=True)
        if caller.user_id is None and caller.api_key_id is None:
            raise Unauthenticated("This needs an access token, or an API key.")
        return caller

    return lambda view: _guard(view, f"staff:{permission}", load, lambda caller: caller.require(permission))
