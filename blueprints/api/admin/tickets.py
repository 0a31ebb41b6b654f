"""Staff: the inbox of conversations, answers, notes, assignment, and canned replies."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, g

from blueprints.api.schemas.tickets import (
    Answerers,
    AttachmentSchema,
    CannedReplies,
    CannedReplyBody,
    CannedReplySchema,
    ChangeCannedReplyBody,
    ChangeTicketBody,
    InboxArgs,
    ReplyBody,
    StaffTicketPage,
    StaffTicketSchema,
)
from blueprints.api.tickets import UPLOAD, attachment_document
from blueprints.http.access import staff
from blueprints.http.attachments import give_out, sent_file, takes_file
from blueprints.http.audits import audited
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits
from blueprints.http.idempotency import idempotent
from blueprints.http.json import json_response, no_content
from quickshop.accounts.permissions import Permission
from quickshop.kernel.errors import Invalid
from quickshop.kernel.ids import parse_id
from quickshop.security import audit
from quickshop.support import answering, canned, files, queries
from quickshop.support.messages import Said
from quickshop.support.states import State

blp = ApiBlueprint("admin_tickets", __name__, url_prefix="/api/v1/admin", description="Staff: support")


def _parse(ticket_id: str) -> UUID:
    return parse_id(ticket_id, "ticket")


def _assignee(given: str | None) -> dict[str, Any]:
    """The filter that `me`, `none` or an id means. Raises Invalid."""
    if given == "none":
        return {"unassigned": True}
    if given == "me":
        return {"assignee": g.caller.member_id()}
    try:
        return {"assignee": UUID(given)} if given else {}
    except ValueError:
        raise Invalid({"assignee": ["me, none or an id."]}) from None


@blp.get("/tickets")
@staff(Permission.TICKETS_WRITE)
@blp.arguments(InboxArgs, location="query")
@blp.answers(200, StaffTicketPage)
def list_tickets(args: dict[str, Any]) -> Response:
    """Conversations by state, order and assignee; of the open ones those first that have waited longest."""
    audit.viewed("tickets.listed")
    whose = _assignee(args.pop("assignee"))
    return json_response(queries.inbox(**args, **whose))


@blp.get("/tickets/assignees")
@staff(Permission.TICKETS_WRITE)
@blp.answers(200, Answerers)
def list_assignees() -> Response:
    """All who may answer."""
    found = [{"id": str(row.id), "username": row.username} for row in answering.answerers()]
    return json_response({"items": found, "next_cursor": None})


@blp.get("/tickets/<ticket_id>")
@staff(Permission.TICKETS_WRITE)
@blp.answers(200, StaffTicketSchema)
def get_ticket(ticket_id: str) -> Response:
    """One conversation with its notes."""
    found = queries.staff_ticket(_parse(ticket_id))
    audit.viewed("ticket.viewed", target=f"ticket:{found['id']}")
    return json_response(found)


@blp.patch("/tickets/<ticket_id>")
@staff(Permission.TICKETS_WRITE)
@blp.arguments(ChangeTicketBody)
@blp.answers(200, StaffTicketSchema)
@commits
def change_ticket(body: dict[str, Any], ticket_id: str) -> Response:
    """Say where it stands, take it, give it to a colleague, or (null) put it back."""
    known = _parse(ticket_id)
    state = State(body["state"]) if "state" in body else None
    answering.change(known, body["version"], state=state, assignee_id=body.get("assignee_id", answering.KEEP))
    audited(target=f"ticket:{known}", after={name: str(value) for name, value in body.items()})
    return json_response(queries.staff_ticket(known))


@blp.post("/tickets/<ticket_id>/messages")
@staff(Permission.TICKETS_WRITE)
@blp.arguments(ReplyBody)
@blp.answers(201, StaffTicketSchema)
@commits
@idempotent(required=False)
def add_message(body: dict[str, Any], ticket_id: str) -> Response:
    """Answer the shopper, or (`internal`) note something for colleagues."""
    known, said = _parse(ticket_id), Said(body["body"], body["attachments"])
    if body["internal"]:
        answering.note(known, g.caller, said)
    else:
        answering.reply(known, g.caller, said, State(body["state"]))
    audited(target=f"ticket:{known}", action="ticket.noted" if body["internal"] else "ticket.answered")
    return json_response(queries.staff_ticket(known), 201)


@blp.post("/tickets/<ticket_id>/attachments")
@staff(Permission.TICKETS_WRITE)
@takes_file
@blp.doc(requestBody=UPLOAD)
@blp.answers(201, AttachmentSchema)
@commits
def add_attachment(ticket_id: str) -> Response:
    """Upload a file, which goes with the message that names it."""
    known, file = _parse(ticket_id), sent_file("file")
    file_id = files.attach_as_staff(known, file)
    return json_response(attachment_document(file_id, file, f"/api/v1/admin/tickets/{known}"), 201)


@blp.get("/tickets/<ticket_id>/attachments/<attachment_id>")
@staff(Permission.TICKETS_WRITE)
@blp.answers(200, description="The file, to be saved")
def get_attachment(ticket_id: str, attachment_id: str) -> Response:
    """A file of the conversation."""
    known = _parse(ticket_id)
    found = files.get_as_staff(known, parse_id(attachment_id, "attachment"))
    audit.viewed("ticket.viewed", target=f"ticket:{known}")
    return give_out(found)


# --- canned replies ------------------------------------------------------------------------------------


@blp.get("/canned-replies")
@staff(Permission.TICKETS_WRITE)
@blp.answers(200, CannedReplies)
def list_replies() -> Response:
    """All of them by title."""
    return json_response({"items": canned.list_replies(), "next_cursor": None})


@blp.post("/canned-replies")
@staff(Permission.TICKETS_WRITE)
@blp.arguments(CannedReplyBody)
@blp.answers(201, CannedReplySchema)
@commits
def add_reply(body: dict[str, Any]) -> Response:
    """Keep words that are used often."""
    reply_id = canned.add_reply(**body)
    audited(target=f"canned_reply:{reply_id}")
    return json_response(canned.get_reply(reply_id), 201)


@blp.put("/canned-replies/<reply_id>")
@staff(Permission.TICKETS_WRITE)
@blp.arguments(ChangeCannedReplyBody)
@blp.answers(200, CannedReplySchema)
@commits
def change_reply(body: dict[str, Any], reply_id: str) -> Response:
    """Rewrite them."""
    known = parse_id(reply_id, "canned reply")
    canned.change_reply(known, **body)
    return json_response(canned.get_reply(known))


@blp.delete("/canned-replies/<reply_id>")
@staff(Permission.TICKETS_WRITE)
@blp.answers(204)
@commits
def remove_reply(reply_id: str) -> Response:
    """Keep them no longer."""
    canned.remove_reply(parse_id(reply_id, "canned reply"))
    return no_content()
