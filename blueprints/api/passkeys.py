"""Passkeys by API: asking for one, keeping it, signing in with it, the list, removing one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from flask import Response, g

from blueprints.api.auth import begin, origin
from blueprints.api.schemas.auth import (
    PasskeyAnswer,
    PasskeyOut,
    PasskeyPage,
    PasskeyQuestion,
    PasskeyRegistration,
    ProofBody,
    TokenPair,
)
from blueprints.http.access import member, member_now, public
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits, commits_itself
from blueprints.http.json import json_response, no_content
from blueprints.http.limits import limited
from blueprints.http.pagination import page_body
from quickshop.accounts import passkeys, service

blp = ApiBlueprint("passkeys", __name__, url_prefix="/api/v1/auth/passkeys", description="Passkeys")


@blp.get("")
@member
@blp.answers(200, PasskeyPage)
def list_all() -> Response:
    """The account's passkeys, oldest first."""
    return json_response(page_body(passkeys.list_passkeys(g.caller.member_id()), None))


@blp.post("/register/options")
@member_now
@limited("auth")
@blp.arguments(ProofBody)
@blp.answers(200, PasskeyQuestion)
@commits_itself
def register_options(body: dict[str, Any]) -> Response:
    """What a device needs to make a passkey, for the password (and a code, where two-factor is on)."""
    asked = passkeys.ask_to_register(g.caller.member_id(), g.caller.session_id, body["password"], body["code"])
    return json_response(asdict(asked))


@blp.post("/register")
@member_now
@limited("auth")
@blp.arguments(PasskeyRegistration)
@blp.answers(201, PasskeyOut)
@commits_itself
def register(body: dict[str, Any]) -> Response:
    """Keep the passkey that the device has made."""
    made = passkeys.register(
        g.caller.member_id(), g.caller.session_id, body["challenge"], body["credential"], body["name"]
    )
    return json_response(made, 201)


@blp.post("/login/options")
@public
@limited("auth")
@blp.answers(200, PasskeyQuestion)
@commits
def login_options() -> Response:
    """What a device needs to sign in with a passkey that it holds."""
    return json_response(asdict(passkeys.ask_to_sign_in()))


@blp.post("/login")
@public
@limited("auth")
@blp.arguments(PasskeyAnswer)
@blp.answers(200, TokenPair)
@commits_itself
def login(body: dict[str, Any]) -> Response:
    """Sign in by passkey alone; it counts as both factors. A guest's cart named by X-Cart-Token joins the account's."""
    return begin(service.sign_in_by_passkey(body["challenge"], body["credential"], origin()))


@blp.delete("/<uuid:passkey_id>")
@member_now
@limited("auth")
@blp.arguments(ProofBody)
@blp.answers(204)
@commits_itself
def remove(body: dict[str, Any], passkey_id: UUID) -> Response:
    """Forget a passkey, for the password (and a code, where two-factor is on)."""
    passkeys.remove(g.caller.member_id(), g.caller.session_id, passkey_id, body["password"], body["code"])
    return no_content()
