"""The caller's inbox, what was told of an order, and ending mails with one click."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Response, g, redirect, request

from blueprints.api.orders import TOKEN_HEADER
from blueprints.api.schemas.notifications import DeliveriesOut, InboxPage, InboxQuery, TokenQuery, UnreadOut
from blueprints.http.access import anyone, member, public
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits
from blueprints.http.json import json_response, no_content
from blueprints.http.limits import limited
from blueprints.http.orders import viewer
from blueprints.http.pagination import page_body
from quickshop.extensions import settings
from quickshop.kernel.ids import parse_id
from quickshop.notifications import deliveries, inbox, unsubscribing

blp = ApiBlueprint("notifications", __name__, url_prefix="/api/v1", description="Messages to the caller")


@blp.get("/notifications")
@member
@blp.arguments(InboxQuery, location="query")
@blp.answers(200, InboxPage)
def list_inbox(args: dict[str, Any]) -> Response:
    """The inbox, newest first; new ones are told by `notification.created` on the topic `account`."""
    return json_response(inbox.inbox(g.caller.member_id(), **args))


@blp.post("/notifications/<notification_id>/read")
@member
@blp.answers(200, UnreadOut)
@commits
def read(notification_id: str) -> Response:
    """Note that a message was read; the caller's other devices are told."""
    user_id = g.caller.member_id()
    inbox.read(user_id, parse_id(notification_id, "notification"))
    return json_response({"unread": inbox.unread_count(user_id)})


@blp.post("/notifications/read-all")
@member
@blp.answers(200, UnreadOut)
@commits
def read_all() -> Response:
    """Note that all messages were read."""
    inbox.read_all(g.caller.member_id())
    return json_response({"unread": 0})


@blp.get("/orders/<number>/notifications")
@anyone
@blp.answers(200, DeliveriesOut)
def list_of_order(number: str) -> Response:
    """What the one who ordered was told of an order, over which channel, and whether it went out."""
    who = viewer(request.headers.get(TOKEN_HEADER))
    return json_response(page_body(deliveries.order_deliveries(number, who), None))


@blp.post("/unsubscribe")
@public
@limited("auth")
@blp.arguments(TokenQuery, location="query")
@blp.answers(204)
@commits
def unsubscribe(args: dict[str, Any]) -> Response:
    """End the mails of one topic, as mail programs do with one click (RFC 8058); the body is not read."""
    unsubscribing.unsubscribe(args["token"])
    return no_content()


@blp.get("/unsubscribe")
@public
@blp.arguments(TokenQuery, location="query")
@blp.answers(303)
def ask_first(args: dict[str, Any]) -> Response:
    """Looking at the link changes nothing: it leads to the page that asks."""
    return redirect(f"{settings().public_url}/unsubscribe?{urlencode(args)}", 303)  # type: ignore[return-value]
