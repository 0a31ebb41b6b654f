"""Two-factor sign-in by API: setting it up, turning it on and off, new recovery codes."""

from __future__ import annotations

from typing import Any

from flask import Response, g

from blueprints.api.schemas.auth import CodeBody, PasswordBody, ProofBody, RecoveryCodes, TwoFactorOut, TwoFactorSetUp
from blueprints.http.access import member, member_now
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits_itself
from blueprints.http.json import json_response, no_content
from blueprints.http.limits import limited
from quickshop.accounts import enrolling
from quickshop.security import totp

blp = ApiBlueprint("second_factor", __name__, url_prefix="/api/v1/auth/2fa", description="Two-factor sign-in")


@blp.get("")
@member
@blp.answers(200, TwoFactorOut)
def show() -> Response:
    """Whether two-factor is on, and how many recovery codes are left."""
    return json_response(enrolling.status(g.caller.member_id()))


@blp.post("/setup")
@member_now
@limited("auth")
@blp.arguments(PasswordBody)
@blp.answers(200, TwoFactorSetUp)
@commits_itself
def set_up(body: dict[str, Any]) -> Response:
    """A new secret for an authenticator app, shown once. Nothing changes before `/enable` has had a code of it."""
    made = enrolling.set_up(g.caller.member_id(), g.caller.session_id, body["password"])
    return json_response({"secret": made.secret, "otpauth_uri": made.uri, "qr_svg": totp.qr_svg(made.uri)})


@blp.post("/enable")
@member_now
@limited("auth")
@blp.arguments(CodeBody)
@blp.answers(200, RecoveryCodes)
@commits_itself
def enable(body: dict[str, Any]) -> Response:
    """Turn two-factor on with a first code. All other sessions end; this one has its second factor from now on."""
    codes = enrolling.enable(g.caller.member_id(), g.caller.session_id, body["code"])
    return json_response({"recovery_codes": codes})


@blp.post("/disable")
@member_now
@limited("auth")
@blp.arguments(ProofBody)
@blp.answers(204)
@commits_itself
def disable(body: dict[str, Any]) -> Response:
    """Turn two-factor off. All other sessions end. Staff may not."""
    enrolling.disable(g.caller.member_id(), g.caller.session_id, body["password"], body["code"])
    return no_content()


@blp.post("/recovery-codes")
@member_now
@limited("auth")
@blp.arguments(ProofBody)
@blp.answers(200, RecoveryCodes)
@commits_itself
def renew_recovery_codes(body: dict[str, Any]) -> Response:
    """Ten new recovery codes; all earlier ones are good for nothing."""
    codes = enrolling.new_recovery_codes(g.caller.member_id(), g.caller.session_id, body["password"], body["code"])
    return json_response({"recovery_codes": codes})
