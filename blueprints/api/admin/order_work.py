"""Staff: work on orders: stages and what waits, replay, hold and release, notes, bulk actions, the pick list."""

from __future__ import annotations

from typing import Any

from flask import Response, g

from blueprints.api.schemas.common import PageQuery
from blueprints.api.schemas.order_work import (
    BulkAnswer,
    BulkBody,
    FailedTaskPage,
    NoteBody,
    NoteList,
    NoteSchema,
    OrderStages,
    PickArgs,
    PickList,
    WaitingArgs,
    WaitingPage,
)
from blueprints.api.schemas.orders import OrderSchema
from blueprints.http import request_id
from blueprints.http.access import staff
from blueprints.http.audits import audited
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits, commits_itself
from blueprints.http.csv_files import csv_download
from blueprints.http.idempotency import idempotent
from blueprints.http.json import json_response
from blueprints.http.pagination import page_body
from blueprints.http.picking import FILE_NAME, pick_rows
from quickshop.accounts.permissions import Permission
from quickshop.kernel.ids import parse_id
from quickshop.orders import bulk, holding, notes, picking, queries, replaying, stages
from quickshop.orders.viewers import Viewer

blp = ApiBlueprint("admin_order_work", __name__, url_prefix="/api/v1/admin", description="Staff: work on orders")
STAFF = Viewer(staff=True)


@blp.get("/processing")
@staff(Permission.ORDERS_READ)
@blp.arguments(WaitingArgs, location="query")
@blp.answers(200, WaitingPage)
def list_waiting(args: dict[str, Any]) -> Response:
    """Orders on which something is still to be done: who waits, in which stage, why, since when, how often tried."""
    return json_response(stages.waiting(**args) | {"summary": stages.summary()})


@blp.get("/failed-tasks")
@staff(Permission.ORDERS_READ)
@blp.arguments(PageQuery, location="query")
@blp.answers(200, FailedTaskPage)
def list_failed(args: dict[str, Any]) -> Response:
    """Work that automation gave up, longest first: orders that need review, and money that could not be undone."""
    return json_response(stages.failed(**args))


@blp.post("/failed-tasks/<task_id>/replay")
@staff(Permission.ORDERS_WRITE)
@blp.answers(202, OrderSchema)
@commits
@idempotent(required=False)
def replay(task_id: str) -> Response:
    """Try again from the stage at which it stopped, under the same keys: nothing is charged or given back twice.

    What waits for its next try is tried now. 409 `not_failed` where there is nothing to try.
    """
    number = replaying.replay(parse_id(task_id, "task"), request_id.current())
    audited(target=f"order:{number}")
    return json_response(queries.order_view(number, STAFF), 202)


@blp.get("/orders/<number>/stages")
@staff(Permission.ORDERS_READ)
@blp.answers(200, OrderStages)
def get_stages(number: str) -> Response:
    """The stages an order has passed with their times, tries and errors, and the one in which it stands."""
    return json_response(stages.order_stages(number))


@blp.post("/orders/<number>/hold")
@staff(Permission.ORDERS_WRITE)
@blp.answers(202, OrderSchema)
@commits
@idempotent(required=False)
def hold(number: str) -> Response:
    """Stop all work on an order until it is released. Its stock stays its own. 409 `not_holdable`."""
    holding.hold(number, request_id.current())
    audited(target=f"order:{number}")
    return json_response(queries.order_view(number, STAFF), 202)


@blp.post("/orders/<number>/release")
@staff(Permission.ORDERS_WRITE)
@blp.answers(202, OrderSchema)
@commits
@idempotent(required=False)
def release(number: str) -> Response:
    """Let an order go on that staff held, from where it stood. 409 `not_waiting` where they do not hold it."""
    holding.release(number, request_id.current())
    audited(target=f"order:{number}")
    return json_response(queries.order_view(number, STAFF), 202)


@blp.get("/orders/<number>/notes")
@staff(Permission.ORDERS_READ)
@blp.answers(200, NoteList)
def list_notes(number: str) -> Response:
    """What staff wrote on an order, newest first; shoppers never see it, but get it in a copy of their data."""
    queries.find_order(number, STAFF)
    return json_response(page_body(notes.of_order(number), None))


@blp.post("/orders/<number>/notes")
@staff(Permission.ORDERS_WRITE)
@blp.arguments(NoteBody)
@blp.answers(201, NoteSchema)
@commits
def add_note(body: dict[str, Any], number: str) -> Response:
    """Write a note on an order, for staff."""
    made = notes.add(number, body["body"], g.caller.user_id)
    audited(target=f"order:{number}", note=made["id"])
    return json_response(made, 201)


@blp.post("/orders/bulk")
@staff(Permission.ORDERS_WRITE)
@blp.arguments(BulkBody)
@blp.answers(200, BulkAnswer)
@commits_itself
def bulk_action(body: dict[str, Any]) -> Response:
    """Hold, release, pack or cancel many orders: an answer for each, and no refusal stops the others."""
    rows = bulk.run(body["action"], body["numbers"], request_id.current())
    audited(action=f"orders.bulk_{body['action']}", done=sum(row["done"] for row in rows), of=len(rows))
    return json_response(page_body(rows, None))


@blp.get("/pick-list")
@staff(Permission.ORDERS_READ)
@blp.arguments(PickArgs, location="query")
@blp.answers(200, PickList)
def get_pick_list(args: dict[str, Any]) -> Response:
    """What is to be taken from the shelves for paid orders, VIP and high value first; of all, or of each `number`."""
    return json_response(picking.pick_list(args["number"]))


@blp.get("/pick-list.csv")
@staff(Permission.ORDERS_READ)
@blp.arguments(PickArgs, location="query")
def get_pick_file(args: dict[str, Any]) -> Response:
    """The same as a file, a row for each line of an order."""
    return csv_download(pick_rows(picking.pick_list(args["number"])), FILE_NAME)
