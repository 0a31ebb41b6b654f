"""Staff: the messages that were sent, or wait to be."""

from __future__ import annotations

from typing import Any

from flask import Response

from blueprints.api.schemas.notifications import DeliveryQuery, ResentOut, StaffDeliveryPage
from blueprints.http.access import staff
from blueprints.http.audits import audited
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits
from blueprints.http.json import json_response
from quickshop.accounts.permissions import Permission
from quickshop.notifications import deliveries
from quickshop.notifications.deliveries import Wanted

blp = ApiBlueprint("admin_deliveries", __name__, url_prefix="/api/v1/admin", description="Staff: messages sent")


@blp.get("/deliveries")
@staff(Permission.ORDERS_READ)
@blp.arguments(DeliveryQuery, location="query")
@blp.answers(200, StaffDeliveryPage)
def list_all(args: dict[str, Any]) -> Response:
    """Messages, the last made first: by order, customer, channel or state. Where they went is nowhere in it."""
    limit, cursor = args.pop("limit"), args.pop("cursor")
    found = deliveries.list_deliveries(Wanted(**args), limit=limit, cursor=cursor)
    return json_response({**found, "paused": deliveries.paused_channels()})


@blp.post("/deliveries/<int:delivery_id>/resend")
@staff(Permission.ORDERS_WRITE)
@blp.answers(202, ResentOut)
@commits
def resend(delivery_id: int) -> Response:
    """Send a message once more. 409 `not_resendable` for what opens an account, or waits still."""
    made = deliveries.resend(delivery_id)
    audited(target=f"delivery:{delivery_id}", after={"delivery": made})
    return json_response({"id": made}, 202)
