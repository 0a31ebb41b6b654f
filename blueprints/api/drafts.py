"""Draft orders by API, for whoever was sent the link: looking at one, and paying it."""

from __future__ import annotations

from typing import Any

from flask import Response, g, request

from blueprints.api.schemas.drafts import PayDraftBody, SharedDraft
from blueprints.api.schemas.orders import OrderSchema
from blueprints.http import request_id
from blueprints.http.access import anyone
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits
from blueprints.http.idempotency import idempotent
from blueprints.http.json import json_response
from blueprints.http.limits import limited
from blueprints.http.orders import device
from quickshop.checkout import drafts
from quickshop.kernel.crypto import digest
from quickshop.kernel.money import Money

blp = ApiBlueprint("drafts", __name__, url_prefix="/api/v1", description="Draft orders, by their link")

TOKEN_HEADER = "X-Draft-Token"  # noqa: S105 - the header's name


def _token() -> str:
    return request.headers.get(TOKEN_HEADER, "")


def _key_owner() -> str:
    return f"draft:{digest(_token()).hex()}"


@blp.get("/draft-order")
@anyone
@limited("checkout")
@blp.answers(200, SharedDraft)
def get_draft() -> Response:
    """The draft order whose token X-Draft-Token is, at the prices of this moment."""
    return json_response(drafts.shown_by_link(_token()))


@blp.post("/draft-order/pay")
@anyone
@limited("checkout")
@blp.arguments(PayDraftBody)
@blp.answers(202, OrderSchema)
@commits
@idempotent(required=True, caller=_key_owner)
def pay_draft(body: dict[str, Any]) -> Response:
    """Make it an order and pay it. It is processed from here on like any other."""
    payment = body["payment"] or {"token": None, "method_id": None}
    made = drafts.pay(
        _token(),
        g.caller,
        payment_token=payment["token"],
        payment_method_id=payment["method_id"],
        expected_total=Money(**body["expected_total"]),
        device=device(),
        request_id=request_id.current(),
    )
    return json_response(made, 202, {"Location": f"/api/v1/orders/{made['number']}"})
