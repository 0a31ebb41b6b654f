"""A member's inbox by pages, its number in the header, and ending mails by the link in them."""

from __future__ import annotations

from typing import Any

from flask import Response, g, make_response, render_template, request

from blueprints.http.commits import commits_itself
from blueprints.http.limits import limited
from blueprints.http.page_access import member_page, member_page_by_itself, shopper
from blueprints.http.pages import go
from blueprints.storefront.pages import pages, problem
from quickshop.kernel.errors import ShopError
from quickshop.kernel.ids import parse_id
from quickshop.kernel.unit_of_work import run_unit
from quickshop.notifications import inbox, unsubscribing
from quickshop.notifications.rendering import topic_name

ADDRESS = "/account/inbox"


def unread_count() -> int:
    """Unread messages of whoever looks; read once per request, 0 for guests."""
    if "unread" not in g:
        caller = g.get("caller")
        g.unread = inbox.unread_count(caller.user_id) if caller is not None and caller.user_id else 0
    return int(g.unread)


@pages.app_context_processor
def _context() -> dict[str, Any]:
    return {"unread_count": unread_count}


def _found() -> dict[str, Any]:
    only_unread = request.args.get("show") == "unread"
    found = inbox.inbox(g.caller.member_id(), unread=only_unread, cursor=request.args.get("cursor") or None)
    g.unread = found["unread"]
    return {"messages": found, "only_unread": only_unread}


@pages.get(ADDRESS)
@member_page
def show_inbox() -> str:
    """The messages, newest first."""
    return render_template("shop/inbox.html", section="inbox", **_found())


@pages.get(f"{ADDRESS}/list")
@member_page_by_itself
def inbox_part() -> str:
    """The list drawn anew, with the number in the header: what the page asks for when something came."""
    return render_template("shop/_inbox.html", out_of_band=True, **_found())


@pages.get(f"{ADDRESS}/unread")
@member_page_by_itself
def unread_part() -> str:
    """The number in the header, for a page that was away."""
    return render_template("shop/_unread.html")


@pages.post(f"{ADDRESS}/read-all")
@member_page
@commits_itself
def read_all_messages() -> Response:
    """Note that everything was read."""
    run_unit(lambda: inbox.read_all(g.caller.member_id()))
    return go(ADDRESS)


@pages.post(f"{ADDRESS}/<message_id>")
@member_page
@commits_itself
def read_message(message_id: str) -> Response:
    """Note that a message was read, and go where it leads, or back to the list."""
    user_id, found = g.caller.member_id(), parse_id(message_id, "notification")
    run_unit(lambda: inbox.read(user_id, found))
    leads_to = inbox.leads_to(user_id, found) if "open" in request.form else ADDRESS
    return go(leads_to)


# --- ending mails ---------------------------------------------------------------------------------------


def _ending(stage: str, found: unsubscribing.Ending) -> str:
    topic = topic_name(found.topic, "en")
    return render_template("shop/unsubscribe.html", stage=stage, topic=topic, token=request.values.get("token", ""))


def _refused(error: ShopError) -> Response:
    shown = render_template("shop/unsubscribe.html", stage="failed", problem=problem(error))
    return make_response(shown, error.status)


@pages.get("/unsubscribe")
@shopper
def ask_to_unsubscribe() -> str | Response:
    """Where the link in a mail leads; looking at it changes nothing."""
    try:
        return _ending("ask", unsubscribing.ending(request.args.get("token", "")))
    except ShopError as error:
        return _refused(error)


@pages.post("/unsubscribe")
@shopper
@limited("auth")
@commits_itself
def end_mails() -> str | Response:
    """End the mails of this topic, or, with the button that follows, take it back."""
    again = "again" in request.form
    work = unsubscribing.subscribe_again if again else unsubscribing.unsubscribe
    try:
        found = run_unit(lambda: work(request.form.get("token", "")))
    except ShopError as error:
        return _refused(error)
    return _ending("again" if again else "done", found)
