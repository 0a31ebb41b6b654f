"""The caller's own account by API: what we know of them, and its log."""

from __future__ import annotations

from typing import Any

from flask import Response, g

from blueprints.api.schemas.auth import Accepted
from blueprints.api.schemas.common import EventsOut, EventsQuery
from blueprints.api.schemas.me import (
    ChangeEmailBody,
    ChangeMe,
    ChangePasswordBody,
    ConfirmEmailBody,
    EmailChanged,
    MeSchema,
)
from blueprints.api.schemas.promotions import CreditSchema
from blueprints.http.access import member, member_now, public
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits, commits_itself
from blueprints.http.json import json_response, no_content
from blueprints.http.limits import limited
from blueprints.http.pagination import page_body
from quickshop.accounts import log, queries, service
from quickshop.accounts.callers import Caller
from quickshop.promotions.crediting import credit_of

blp = ApiBlueprint("me", __name__, url_prefix="/api/v1/me", description="The caller's own account")


_ASKED = {
    "status": "accepted",
    "detail": "If the address can be used, we have sent it a link. It becomes yours when the link is opened.",
}


def _shown(caller: Caller) -> Response:
    return json_response(queries.me(caller.member_id(), caller.permissions))


@blp.get("")
@member
@blp.answers(200, MeSchema)
def get_me() -> Response:
    """The account."""
    return _shown(g.caller)


@blp.get("/credit")
@member
@blp.answers(200, CreditSchema)
def get_credit() -> Response:
    """What the shop owes the caller, by currency, with its movements."""
    return json_response(credit_of(g.caller.member_id()))


@blp.patch("")
@member_now
@blp.arguments(ChangeMe)
@blp.answers(200, MeSchema)
@commits
def change_me(body: dict[str, Any]) -> Response:
    """Change personal data. With `version`, 409 `changed_meanwhile` where somebody was quicker."""
    changes = {name: value for name, value in body.items() if name != "version"}
    service.change_profile(g.caller.member_id(), changes, body.get("version"))
    return _shown(g.caller)


@blp.post("/password")
@member_now
@limited("auth")
@blp.arguments(ChangePasswordBody)
@blp.answers(204)
@commits_itself
def change_password(body: dict[str, Any]) -> Response:
    """Set a new password. All other sessions end, and a mail says that it happened."""
    caller, current, new = g.caller, body["current_password"], body["new_password"]
    service.change_password(caller.member_id(), caller.session_id, current, new, body["code"])
    return no_content()


@blp.post("/email")
@member_now
@limited("auth")
@blp.arguments(ChangeEmailBody)
@blp.answers(202, Accepted)
@commits_itself
def change_email(body: dict[str, Any]) -> Response:
    """Mail a link to a new address, and a notice to the present one. The answer is the same for a taken address."""
    caller = g.caller
    service.request_email(caller.member_id(), caller.session_id, body["password"], body["email"], body["code"])
    return json_response(_ASKED, 202)


@blp.post("/email/confirm")
@public
@limited("auth")
@blp.arguments(ConfirmEmailBody)
@blp.answers(200, EmailChanged)
@commits_itself
def confirm_email(body: dict[str, Any]) -> Response:
    """Make the new address the account's, with the token mailed to it, which is good once and for 24 hours."""
    service.confirm_email(body["token"])
    return json_response({"email_verified": True})


@blp.get("/events")
@member
@blp.arguments(EventsQuery, location="query")
@blp.answers(200, EventsOut)
def list_events(args: dict[str, Any]) -> Response:
    """The account's log after a seq, the same entries that the topic `account` gives live."""
    entries = log.read(g.caller.member_id(), args["after"], args["limit"])
    full = len(entries) == args["limit"]
    return json_response(page_body(entries, str(entries[-1]["seq"]) if full else None))
