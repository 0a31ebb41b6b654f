"""Registration, sign-in in one step or two, refresh, sign-out, password recovery and sessions by API."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, g, request

from blueprints.api.schemas.auth import (
    Accepted,
    EmailBody,
    LoginBody,
    LoginCodeBody,
    RegisterBody,
    ResetBody,
    SessionPage,
    TokenBody,
    TokenPair,
    Verified,
)
from blueprints.http.access import bearer, member, member_now, public
from blueprints.http.body import ApiBlueprint
from blueprints.http.carts import header_token
from blueprints.http.commits import commits, commits_itself
from blueprints.http.json import json_response, no_content
from blueprints.http.limits import client_address, limited
from blueprints.http.pagination import page_body
from blueprints.http.tokens import read_refresh_token, token_pair
from quickshop.accounts import service, sessions
from quickshop.cart.merging import merge_on_login
from quickshop.kernel.errors import Unauthenticated
from quickshop.kernel.unit_of_work import run_unit

blp = ApiBlueprint("auth", __name__, url_prefix="/api/v1/auth", description="Accounts and sessions")

_ACCEPTED = {
    "status": "accepted",
    "detail": "If the address can be used, we have sent it an e-mail that says how to go on.",
}


def origin() -> service.Origin:
    """Where the request comes from, as the list of sessions names it."""
    return service.Origin(request.headers.get("User-Agent", "")[:200] or "unknown", client_address())


def begin(signed_in: service.SignedIn) -> Response:
    """The tokens of a new session. A guest's cart named by X-Cart-Token joins the account's."""
    cart = header_token()
    if cart:
        run_unit(lambda: merge_on_login(signed_in.user_id, cart))
    return json_response(token_pair(signed_in))


@blp.post("/register")
@public
@limited("auth")
@blp.arguments(RegisterBody)
@blp.answers(202, Accepted)
@commits_itself
def register(body: dict[str, Any]) -> Response:
    """Open an account. The answer is the same whether or not the address is taken; the mail is not."""
    service.register(service.Registration(**body))
    return json_response(_ACCEPTED, 202)


@blp.post("/verify-email")
@public
@limited("auth")
@blp.arguments(TokenBody)
@blp.answers(200, Verified)
@commits
def verify_email(body: dict[str, Any]) -> Response:
    """Prove the e-mail address with the token from the mailed link."""
    service.verify_email(body["token"])
    return json_response({"email_verified": True})


@blp.post("/resend-verification")
@public
@limited("auth")
@blp.arguments(EmailBody)
@blp.answers(202, Accepted)
@commits
def resend_verification(body: dict[str, Any]) -> Response:
    """Mail the verification link again, at most once a minute."""
    service.resend_verification(body["email"])
    return json_response(_ACCEPTED, 202)


@blp.post("/login")
@public
@limited("auth")
@blp.arguments(LoginBody)
@blp.answers(200, TokenPair)
@commits_itself
def login(body: dict[str, Any]) -> Response:
    """Sign in by e-mail address or username. A guest's cart named by X-Cart-Token joins the account's.

    With two-factor on the answer is 401 `two_factor_required` with a `challenge` for `/auth/login/2fa`.
    """
    return begin(service.authenticate(body["login"], body["password"], origin()))


@blp.post("/login/2fa")
@public
@limited("auth")
@blp.arguments(LoginCodeBody)
@blp.answers(200, TokenPair)
@commits_itself
def login_code(body: dict[str, Any]) -> Response:
    """Answer a sign-in's challenge with the code of an authenticator app, a recovery code, or a passkey.

    A challenge is good for 5 minutes and one success, a code once.
    """
    answer = {"code": body["code"], "passkey": body["credential"]}
    return begin(service.answer_challenge(body["challenge"], origin(), **answer))


@blp.post("/refresh")
@public
@limited("auth")
@blp.answers(200, TokenPair)
@commits_itself
def refresh() -> Response:
    """Exchange the refresh token, sent as Bearer, for a new pair. It is good once; used again, it ends the session."""
    token = bearer()
    if token is None:
        raise Unauthenticated("Send the refresh token as Bearer.")
    return json_response(token_pair(service.refresh(read_refresh_token(token))))


@blp.post("/logout")
@member_now
@blp.answers(204)
@commits
def logout() -> Response:
    """End this session."""
    service.sign_out(g.caller.member_id(), g.caller.session_id)
    return no_content()


@blp.post("/password/forgot")
@public
@limited("auth")
@blp.arguments(EmailBody)
@blp.answers(202, Accepted)
@commits
def forgot_password(body: dict[str, Any]) -> Response:
    """Mail a link that sets a new password; it is good once and for 15 minutes."""
    service.forgot_password(body["email"])
    return json_response(_ACCEPTED, 202)


@blp.post("/password/reset")
@public
@limited("auth")
@blp.arguments(ResetBody)
@blp.answers(204)
@commits_itself
def reset_password(body: dict[str, Any]) -> Response:
    """Set a new password with the token of the mailed link. Every session of the account ends."""
    service.reset_password(body["token"], body["password"])
    return no_content()


@blp.get("/sessions")
@member
@blp.answers(200, SessionPage)
def list_sessions() -> Response:
    """The account's living sessions, the last used first."""
    return json_response(page_body(sessions.list_sessions(g.caller.member_id(), g.caller.session_id), None))


@blp.delete("/sessions/<uuid:session_id>")
@member_now
@blp.answers(204)
@commits
def end_session(session_id: UUID) -> Response:
    """End one session of the account."""
    service.end_session(g.caller.member_id(), session_id)
    return no_content()


@blp.delete("/sessions")
@member_now
@blp.answers(204)
@commits
def end_other_sessions() -> Response:
    """End all other sessions of the account."""
    service.end_other_sessions(g.caller.member_id(), g.caller.session_id)
    return no_content()
