"""Staff: editing orders, and draft orders."""

from __future__ import annotations

from typing import Any

from flask import Response, g

from blueprints.api.schemas.drafts import (
    Draft,
    DraftBody,
    DraftListArgs,
    DraftPage,
    EditAnswer,
    EditBody,
    units_by_variant,
)
from blueprints.http import request_id
from blueprints.http.access import staff
from blueprints.http.audits import audited
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits
from blueprints.http.idempotency import idempotent
from blueprints.http.json import json_response
from quickshop.accounts.permissions import Permission
from quickshop.checkout import drafts, editing
from quickshop.checkout.drafts import NewDraft
from quickshop.kernel.ids import parse_id
from quickshop.kernel.money import money
from quickshop.orders import queries
from quickshop.orders.viewers import Viewer

blp = ApiBlueprint("admin_drafts", __name__, url_prefix="/api/v1/admin", description="Staff: edits and draft orders")


@blp.post("/orders/<number>/edit")
@staff(Permission.ORDERS_WRITE)
@blp.arguments(EditBody)
@blp.answers(200, EditAnswer)
@commits
@idempotent(required=False)
def edit_order(body: dict[str, Any], number: str) -> Response:
    """Change a paid order before anything of it is packed: 409 `not_editable` afterwards.

    Fewer units: their money goes back, and they are on the shelf again. More goods: a draft order for the same buyer,
    without shipping, paid by its link.
    """
    quantities = {line["line"]: line["quantity"] for line in body["lines"]}
    added = units_by_variant(body["add"])
    given, draft = editing.edit(
        number, quantities, body["shipping_address"], added, g.caller.user_id, request_id.current()
    )
    back = money(given.amount_minor, given.currency) if given else None
    audited(target=f"order:{number}", after={"lines": body["lines"], "refunded": back}, draft=draft and draft["id"])
    order = queries.order_view(number, Viewer(staff=True))
    return json_response({"order": order, "refunded": back, "draft": draft})


@blp.get("/draft-orders")
@staff(Permission.ORDERS_READ)
@blp.arguments(DraftListArgs, location="query")
@blp.answers(200, DraftPage)
def list_drafts(args: dict[str, Any]) -> Response:
    """Draft orders, newest first."""
    return json_response(drafts.list_drafts(**args))


@blp.post("/draft-orders")
@staff(Permission.ORDERS_WRITE)
@blp.arguments(DraftBody)
@blp.answers(201, Draft)
@commits
@idempotent(required=False)
def make_draft(body: dict[str, Any]) -> Response:
    """Put goods together for somebody, who pays them at `url`. Prices and stock are those of the moment of paying."""
    made = drafts.make(
        NewDraft(
            items=units_by_variant(body["items"]),
            shipping_method=body["shipping_method"],
            shipping_address=body["shipping_address"],
            user_id=body["customer_id"],
            email=body["email"],
            currency=body["currency"],
            free_shipping=body["free_shipping"],
        ),
        g.caller.user_id,
    )
    audited(target=f"draft:{made['id']}")
    return json_response(made, 201, {"Location": f"/api/v1/admin/draft-orders/{made['id']}"})


@blp.get("/draft-orders/<draft_id>")
@staff(Permission.ORDERS_WRITE)
@blp.answers(200, Draft)
def get_draft(draft_id: str) -> Response:
    """A draft with its link: whoever has that sees it and can pay it, so it is for those who may write orders."""
    return json_response(drafts.draft_view(parse_id(draft_id, "draft")))


@blp.post("/draft-orders/<draft_id>/send")
@staff(Permission.ORDERS_WRITE)
@blp.answers(202, Draft)
@commits
@idempotent(required=False)
def send_draft(draft_id: str) -> Response:
    """Mail the customer the link. 409 `draft_closed` where it cannot be paid now."""
    found = parse_id(draft_id, "draft")
    drafts.send(found)
    audited(target=f"draft:{found}")
    return json_response(drafts.draft_view(found), 202)


@blp.post("/draft-orders/<draft_id>/cancel")
@staff(Permission.ORDERS_WRITE)
@blp.answers(200, Draft)
@commits
def cancel_draft(draft_id: str) -> Response:
    """Let nobody pay it any more. 409 `draft_closed` where it was paid."""
    found = drafts.cancel(parse_id(draft_id, "draft"))
    audited(target=f"draft:{found['id']}")
    return json_response(found)
