"""The caller's own account by API: what we know of them, and its log."""

from __future__ import annotations

from typing import Any

from flask import Response, g

from blueprints.api.schemas.common import EventsOut, EventsQuery
from blueprints.api.schemas.me import ChangeMe, MeSchema
from blueprints.http.access import member, member_now
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits
from blueprints.http.json import json_response
from blueprints.http.pagination import page_body
from quickshop.accounts import log, queries, service
from quickshop.accounts.callers import Caller

blp = ApiBlueprint("me", __name__, url_prefix="/api/v1/me", description="The caller's own account")


def _shown(caller: Caller) -> Response:
    return json_response(queries.me(caller.member_id(), caller.permissions))


@blp.get("")
@member
@blp.answers(200, MeSchema)
def get_me() -> Response:
    """The account."""
    return _shown(g.caller)


@blp.patch("")
@member_now
@blp.arguments(ChangeMe)
@blp.answers(200, MeSchema)
@commits
def change_me(body: dict[str, Any]) -> Response:
    """Change personal data."""
    service.change_profile(g.caller.member_id(), body)
    return _shown(g.caller)


@blp.get("/events")
@member
@blp.arguments(EventsQuery, location="query")
@blp.answers(200, EventsOut)
def list_events(args: dict[str, Any]) -> Response:
    """The account's log after a seq, the same entries that the topic `account` gives live."""
    entries = log.read(g.caller.member_id(), args["after"], args["limit"])
    full = len(entries) == args["limit"]
    return json_response(page_body(entries, str(entries[-1]["seq"]) if full else None))
