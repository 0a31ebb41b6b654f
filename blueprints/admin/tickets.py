"""The staff's inbox of conversations with shoppers, one of them with its notes, and the canned replies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response, g, make_response, render_template, request

from blueprints.admin.forms import Typed
from blueprints.admin.notes import attempt, go, problem
from blueprints.admin.views import staff
from blueprints.http.attachments import give_out, sent_files, takes_files
from blueprints.http.audits import audited
from blueprints.http.commits import commits_itself
from blueprints.http.page_access import staff_page
from quickshop.accounts.permissions import Permission
from quickshop.kernel.errors import NotFound, ShopError
from quickshop.kernel.ids import parse_id
from quickshop.kernel.unit_of_work import run_unit
from quickshop.security import audit
from quickshop.support import answering, canned, files, queries
from quickshop.support.messages import Said
from quickshop.support.rules import LONGEST_BODY
from quickshop.support.states import State

ADDRESS, REPLIES = "/admin/tickets", "/admin/canned-replies"
PER_PAGE = 25
STATES = [str(state) for state in State]
# What the inbox is filtered by beside the state; anything else is somebody's id.
ANYBODY, ME, NOBODY = "all", "me", "none"
MAY = staff_page(Permission.TICKETS_WRITE)


# --- the inbox -----------------------------------------------------------------------------------------


def _inbox() -> dict[str, Any]:
    state, who = request.args.get("state", str(State.OPEN)), request.args.get("who", ANYBODY)
    order = request.args.get("order", "").strip()[:40]
    wanted: dict[str, Any] = {"state": state if state in STATES else None, "order": order or None}
    if who == NOBODY:
        wanted["unassigned"] = True
    elif who != ANYBODY:
        wanted["assignee"] = g.caller.user_id if who == ME else parse_id(who, "colleague")
    found = queries.inbox(**wanted, limit=PER_PAGE, cursor=request.args.get("cursor") or None)
    return {
        "tickets": found,
        "counts": queries.counts(g.caller.user_id),
        "wish": {"state": state if state in STATES else ANYBODY, "who": who, "order": order},
        "query": request.query_string.decode(),
    }


@staff.get("/tickets")
@MAY
def tickets() -> str:
    """Conversations by state and assignee; of the open ones those first that have waited longest."""
    audit.viewed("tickets.listed")
    return render_template(
        "staff/tickets.html", section="tickets", states=STATES, colleagues=answering.answerers(), **_inbox()
    )


@staff.get("/tickets/list")
@MAY
def tickets_part() -> str:
    """The list, drawn anew."""
    return render_template("staff/_tickets.html", **_inbox())


# --- one conversation ----------------------------------------------------------------------------------


def _shown(ticket_id: UUID) -> dict[str, Any]:
    return {"ticket": queries.staff_ticket(ticket_id), "base": f"{ADDRESS}/{ticket_id}"}


def _page(ticket_id: UUID, error: ShopError | None = None) -> Response:
    shown = _shown(ticket_id)
    replies = _filled(ticket_id, shown["ticket"]["order"])
    chosen = next((reply["body"] for reply in replies if reply["id"] == request.args.get("canned")), "")
    page = render_template(
        "staff/ticket.html",
        section="tickets",
        states=STATES,
        colleagues=answering.answerers(),
        me=str(g.caller.user_id),
        replies=replies,
        written=request.form.get("body") or chosen,
        problem=problem(error),
        **shown,
    )
    return make_response(page, error.status if error else 200)


def _filled(ticket_id: UUID, order: str | None) -> list[dict[str, Any]]:
    """The canned replies with this shopper's name and order in them."""
    name = queries.first_name(ticket_id)
    return [{**reply, "body": canned.filled(reply["body"], name, order)} for reply in canned.list_replies()]


@staff.get("/tickets/<ticket_id>")
@MAY
def ticket(ticket_id: str) -> Response:
    """One conversation; `canned` is the id of a reply to begin with."""
    known = parse_id(ticket_id, "ticket")
    audit.viewed("ticket.viewed", target=f"ticket:{known}")
    return _page(known)


@staff.get("/tickets/<ticket_id>/live")
@MAY
def ticket_part(ticket_id: str) -> str:
    """The part that changes, drawn anew."""
    return render_template("staff/_ticket.html", **_shown(parse_id(ticket_id, "ticket")))


@staff.post("/tickets/<ticket_id>/messages")
@MAY
@takes_files
@commits_itself
def write_to_shopper(ticket_id: str) -> Response:
    """Answer, answer and be done, or note something for colleagues."""
    known, does = parse_id(ticket_id, "ticket"), request.form.get("do", "answer")
    try:
        said = Said(request.form.get("body", ""), files=sent_files("files"))
        run_unit(_writing(does, known, said))
    except ShopError as error:
        if error.status == 404:
            raise
        return _page(known, error)
    audited(target=f"ticket:{known}", action="ticket.noted" if does == "note" else "ticket.answered")
    return go(f"{ADDRESS}/{known}#answer")


def _writing(does: str, known: UUID, said: Said) -> Callable[[], UUID]:
    if does == "note":
        return lambda: answering.note(known, g.caller, said)
    state = State.SOLVED if does == "solve" else State.ANSWERED
    return lambda: answering.reply(known, g.caller, said, state)


@staff.post("/tickets/<ticket_id>/change")
@MAY
@commits_itself
def change_ticket(ticket_id: str) -> Response:
    """Take it, give it to somebody, put it back, or say where it stands."""
    known, typed = parse_id(ticket_id, "ticket"), Typed(request.form)
    state = request.form.get("state", "")
    changes: dict[str, Any] = {"state": State(state)} if state in STATES else {}

    def work() -> None:
        if "assignee" in request.form:
            changes["assignee_id"] = typed.id("assignee", "This colleague")
        answering.change(known, typed.whole("version", "The version", 0, 10**9) or 0, **changes)

    def again(error: ShopError) -> Response:
        if error.status == 404:
            raise error
        return _page(known, error)

    audited(target=f"ticket:{known}")
    return attempt(work, again, f"{ADDRESS}/{known}")


@staff.get("/tickets/<ticket_id>/attachments/<file_id>")
@MAY
def ticket_attachment(ticket_id: str, file_id: str) -> Response:
    """A file, to be saved."""
    known = parse_id(ticket_id, "ticket")
    found = files.get_as_staff(known, parse_id(file_id, "attachment"))
    audit.viewed("ticket.viewed", target=f"ticket:{known}")
    return give_out(found)


# --- canned replies ------------------------------------------------------------------------------------


def _replies(error: ShopError | None = None) -> Response:
    shown = render_template(
        "staff/canned_replies.html",
        section="tickets",
        replies=canned.list_replies(),
        form=request.form,
        most=LONGEST_BODY,
        problem=problem(error),
    )
    return make_response(shown, error.status if error else 200)


@staff.get("/canned-replies")
@MAY
def canned_replies() -> Response:
    """Words that are used often."""
    return _replies()


@staff.post("/canned-replies")
@MAY
@commits_itself
def add_canned_reply() -> Response:
    """Keep a reply."""
    form = request.form
    return attempt(lambda: canned.add_reply(form.get("title", ""), form.get("body", "")), _replies, REPLIES)


@staff.post("/canned-replies/<reply_id>")
@MAY
@commits_itself
def change_canned_reply(reply_id: str) -> Response:
    """Rewrite a reply, or keep it no longer."""
    known, form = parse_id(reply_id, "canned reply"), request.form

    def work() -> None:
        if form.get("do") == "remove":
            canned.remove_reply(known)
            return
        version = Typed(form).whole("version", "The version", 0, 10**9) or 0
        canned.change_reply(known, version, form.get("title", ""), form.get("body", ""))

    def again(error: ShopError) -> Response:
        if isinstance(error, NotFound):
            raise error
        return _replies(error)

    return attempt(work, again, REPLIES)
