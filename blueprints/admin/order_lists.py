"""Staff's work on many orders: finding them, one action on all that are ticked, what waits and why, the pick list."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Response, g, make_response, render_template, request
from werkzeug.datastructures import MultiDict

from blueprints.admin.views import staff
from blueprints.http import request_id
from blueprints.http.audits import audited
from blueprints.http.commits import commits_itself
from blueprints.http.csv_files import csv_download
from blueprints.http.page_access import staff_page
from blueprints.http.pages import go
from blueprints.http.picking import FILE_NAME, pick_rows
from quickshop.accounts.permissions import Permission
from quickshop.kernel.errors import ShopError
from quickshop.kernel.ids import parse_id
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders import bulk, finding, picking, replaying, stages
from quickshop.orders.priority import Priority
from quickshop.orders.states import FulfilmentStatus, HoldReason, PaymentStatus, Status

LONGEST_QUERY = 254
CHOICES: dict[str, tuple[str, list[str]]] = {
    "status": ("Status", [str(s) for s in Status]),
    "payment_status": ("Payment", [str(s) for s in PaymentStatus]),
    "fulfilment_status": ("Goods", [str(s) for s in FulfilmentStatus]),
    "priority": ("Class", [str(p) for p in Priority]),
    "hold_reason": ("Held because", [str(r) for r in HoldReason]),
}
DAYS = ("placed_from", "placed_to")
PICK = "pick"
ACTIONS = {PICK: "Pick list", "pack": "Pack", "hold": "Hold", "release": "Release", "cancel": "Cancel"}


def _chosen(args: MultiDict[str, str]) -> dict[str, Any]:
    """What was chosen in the filters; what nobody could have chosen counts as nothing."""
    found: dict[str, Any] = {name: args[name] for name, (_, known) in CHOICES.items() if args.get(name) in known}
    return found | {name: day for name in DAYS if (day := _day(args.get(name, "")))}


def _day(value: str) -> date | None:
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


@staff.get("/orders")
@staff_page(Permission.ORDERS_READ)
def orders() -> str:
    """Orders, newest first: all, or those that fit what was typed and chosen."""
    q = request.args.get("q", "").strip()[:LONGEST_QUERY]
    chosen = _chosen(request.args)
    found = finding.find(finding.wanted_by_words(q, chosen), cursor=request.args.get("cursor"))
    return render_template(
        "staff/orders.html",
        section="orders",
        orders=found,
        q=q,
        chosen={name: str(value) for name, value in chosen.items()},
        choices=CHOICES,
        actions=ACTIONS,
        may_act=g.caller.may(Permission.ORDERS_WRITE),
    )


@staff.post("/orders/bulk")
@staff_page(Permission.ORDERS_WRITE)
@commits_itself
def bulk_orders() -> Response:
    """One action on every order that is ticked; what came of each."""
    numbers = request.form.getlist("number")[: bulk.MOST_ORDERS]
    action = request.form.get("action", "")
    if action == PICK and numbers:
        return go("/admin/pick-list?" + "&".join(f"number={number}" for number in numbers if number.isascii()))
    if action not in bulk.ACTIONS or not numbers:
        return go("/admin/orders")
    rows = bulk.run(action, numbers, request_id.current())
    audited(action=f"orders.bulk_{action}", done=sum(row["done"] for row in rows), of=len(rows))
    return make_response(render_template("staff/bulk.html", section="orders", rows=rows, action=ACTIONS[action]))


@staff.get("/pick-list")
@staff_page(Permission.ORDERS_READ)
def pick_list() -> str:
    """What is to be taken from the shelves, for printing."""
    numbers = request.args.getlist("number")[: picking.MOST_ORDERS] or None
    return render_template("staff/pick_list.html", section="orders", list=picking.pick_list(numbers), numbers=numbers)


@staff.get("/pick-list.csv")
@staff_page(Permission.ORDERS_READ)
def pick_file() -> Response:
    """The same as a file."""
    return csv_download(pick_rows(picking.pick_list(request.args.getlist("number") or None)), FILE_NAME)


def _processing(error: ShopError | None = None) -> Response:
    priority = request.args.get("priority")
    known = [str(p) for p in Priority]
    shown = render_template(
        "staff/processing.html",
        section="processing",
        summary=stages.summary(),
        failed=stages.failed(cursor=request.args.get("failed") or None),
        waiting=stages.waiting(
            priority=priority if priority in known else None, cursor=request.args.get("cursor") or None
        ),
        may_replay=g.caller.may(Permission.ORDERS_WRITE),
        problem=error.detail if error else None,
    )
    return make_response(shown, error.status if error else 200)


@staff.get("/processing")
@staff_page(Permission.ORDERS_READ)
def processing() -> Response:
    """What waits now, by class and stage, and what was given up."""
    return _processing()


@staff.post("/failed-tasks/<task_id>/replay")
@staff_page(Permission.ORDERS_WRITE)
@commits_itself
def replay_task(task_id: str) -> Response:
    """Try again what was given up, or at once what waits for its next try."""
    found = parse_id(task_id, "task")
    try:
        number = run_unit(lambda: replaying.replay(found, request_id.current()))
    except ShopError as error:
        if error.status == 404:
            raise
        return _processing(error)
    audited(target=f"order:{number}")
    return go("/admin/processing")
