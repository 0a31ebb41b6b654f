"""Staff: payments that do not add up."""

from __future__ import annotations

from typing import Any

from flask import Response

from blueprints.api.schemas.payments import BreakListArgs, BreakPage, CloseBreakBody
from blueprints.http.access import staff
from blueprints.http.audits import audited
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits
from blueprints.http.json import json_response, no_content
from quickshop.accounts.permissions import Permission
from quickshop.kernel.ids import parse_id
from quickshop.orders.breaks import list_breaks
from quickshop.payments import breaks

blp = ApiBlueprint("admin_payments", __name__, url_prefix="/api/v1/admin", description="Staff: payments")


@blp.get("/payments/breaks")
@staff(Permission.ORDERS_READ)
@blp.arguments(BreakListArgs, location="query")
@blp.answers(200, BreakPage)
def list_all(args: dict[str, Any]) -> Response:
    """Where the books of the provider, of payments and of orders differ, the newest first: none, if all is well."""
    state = args.pop("state")
    return json_response(list_breaks(state=None if state == "all" else state, **args))


@blp.post("/payments/breaks/<break_id>/close")
@staff(Permission.ORDERS_WRITE)
@blp.arguments(CloseBreakBody)
@blp.answers(204)
@commits
def close(body: dict[str, Any], break_id: str) -> Response:
    """Close a break by hand and say why. It comes back only with other figures."""
    found = parse_id(break_id, "break")
    breaks.close(found, body["note"])
    audited(target=f"break:{found}")
    return no_content()
