"""Conversations with support by API: opening, reading, writing, files, closing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request

from blueprints.api.schemas.common import PageQuery
from blueprints.api.schemas.tickets import (
    AttachmentSchema,
    OpenedForAddress,
    OpenTicketBody,
    SayBody,
    TicketPage,
    TicketSchema,
)
from blueprints.http.access import anyone
from blueprints.http.attachments import give_out, sent_file, takes_file
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits
from blueprints.http.idempotency import idempotent
from blueprints.http.json import json_response
from blueprints.http.limits import limited
from blueprints.http.tickets import holder, open_ticket, wish
from quickshop.kernel.errors import Unauthenticated
from quickshop.kernel.ids import parse_id
from quickshop.support import files, queries, service
from quickshop.support.holders import Holder
from quickshop.support.messages import Said

blp = ApiBlueprint("tickets", __name__, url_prefix="/api/v1", description="Conversations with support")

ORDER_TOKEN, TICKET_TOKEN = "X-Order-Token", "X-Ticket-Token"
UPLOAD = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "string", "format": "binary", "description": "5 MiB at most"}},
            }
        }
    },
}


def _holder() -> Holder:
    return holder(request.headers.get(ORDER_TOKEN), request.headers.get(TICKET_TOKEN))


def _parse(ticket_id: str) -> UUID:
    return parse_id(ticket_id, "ticket")


@blp.get("/tickets")
@anyone
@blp.arguments(PageQuery, location="query")
@blp.answers(200, TicketPage)
def list_tickets(args: dict[str, Any]) -> Response:
    """The member's conversations, or those about the order whose X-Order-Token is sent; what moved last first."""
    asking = _holder()
    if asking.user_id is None and asking.order_token is None:
        raise Unauthenticated(f"Sign in, or send {ORDER_TOKEN}.")
    return json_response(queries.own_tickets(asking, **args))


@blp.post("/tickets")
@anyone
@limited("auth")
@blp.arguments(OpenTicketBody)
@blp.answers(201, TicketSchema)
@blp.answers(202, OpenedForAddress, "A guest's link was mailed")
@commits
@idempotent(required=False)
def create_ticket(body: dict[str, Any]) -> Response:
    """Ask something, about an own order (`order` is its number) or anything else.

    A guest without an order's token says their `email`: the link to the conversation is mailed there.
    """
    ticket_id, mailed = open_ticket(wish(body), request.headers.get(ORDER_TOKEN), body["email"])
    if mailed:
        return json_response({"id": str(ticket_id), "mailed": True}, 202)
    address = {"Location": f"/api/v1/tickets/{ticket_id}"}
    return json_response(queries.own_ticket(ticket_id, _holder()), 201, address)


@blp.get("/tickets/<ticket_id>")
@anyone
@blp.answers(200, TicketSchema)
def get_ticket(ticket_id: str) -> Response:
    """One conversation, for its member, or the guest who sends X-Order-Token or the mailed X-Ticket-Token."""
    return json_response(queries.own_ticket(_parse(ticket_id), _holder()))


@blp.post("/tickets/<ticket_id>/messages")
@anyone
@blp.arguments(SayBody)
@blp.answers(201, TicketSchema)
@commits
@idempotent(required=False)
def add_message(body: dict[str, Any], ticket_id: str) -> Response:
    """Write; `attachments` are ids of files uploaded here before. A solved conversation is open again then."""
    known = _parse(ticket_id)
    service.say(known, _holder(), Said(body["body"], body["attachments"]))
    return json_response(queries.own_ticket(known, _holder()), 201)


@blp.post("/tickets/<ticket_id>/attachments")
@anyone
@takes_file
@blp.doc(requestBody=UPLOAD)
@blp.answers(201, AttachmentSchema)
@commits
def add_attachment(ticket_id: str) -> Response:
    """Upload a picture, a PDF or a plain text; it is shown once a message goes with it, within a day."""
    known, asking = _parse(ticket_id), _holder()
    queries.check_own(known, asking)
    file = sent_file("file")
    file_id = files.attach(known, asking, file)
    return json_response(attachment_document(file_id, file, f"/api/v1/tickets/{known}"), 201)


def attachment_document(file_id: UUID, file: files.File, ticket: str) -> dict[str, Any]:
    """An upload as its sender gets it."""
    return {
        "id": str(file_id),
        "name": file.name,
        "type": file.type,
        "size": len(file.body),
        "url": f"{ticket}/attachments/{file_id}",
    }


@blp.get("/tickets/<ticket_id>/attachments/<attachment_id>")
@anyone
@limited("media")
@blp.answers(200, description="The file, to be saved")
def get_attachment(ticket_id: str, attachment_id: str) -> Response:
    """A file of the conversation."""
    return give_out(files.get(_parse(ticket_id), parse_id(attachment_id, "attachment"), _holder()))


@blp.post("/tickets/<ticket_id>/close")
@anyone
@blp.answers(200, TicketSchema)
@commits
def close_ticket(ticket_id: str) -> Response:
    """Say that it is over; again changes nothing."""
    known = _parse(ticket_id)
    service.close(known, _holder())
    return json_response(queries.own_ticket(known, _holder()))
