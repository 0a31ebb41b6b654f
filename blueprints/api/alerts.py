"""Stock alerts by API: asking to be told when a variant is back."""

from __future__ import annotations

from typing import Any

from flask import Response, g

from blueprints.api.schemas.wishlists import AskedSchema, ConfirmAlert, ConfirmedSchema, StockAlertBody, StockAlerts
from blueprints.http.access import anyone, member, public
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits
from blueprints.http.json import json_response, no_content
from blueprints.http.limits import limited
from blueprints.http.pagination import page_body
from quickshop.kernel.errors import Invalid
from quickshop.kernel.ids import parse_id
from quickshop.wishlists import alerts, queries

blp = ApiBlueprint("alerts", __name__, url_prefix="/api/v1", description="Being told when something is back in stock")


@blp.post("/products/<product_id>/stock-alerts")
@anyone
@limited("auth")
@blp.arguments(StockAlertBody)
@blp.answers(202, AskedSchema)
@commits
def ask(body: dict[str, Any], product_id: str) -> Response:
    """Wait for a sold-out variant. A guest follows a mailed link first; the answer is the same for every address."""
    product, caller = parse_id(product_id, "product"), g.caller
    if caller.signed_in:
        if body["email"] is not None:
            raise Invalid({"email": ["Members are told at their own address."]})
        alerts.ask_as_member(caller.member_id(), product, body["variant_id"])
        return json_response({"state": "waiting"}, 202)
    if body["email"] is None:
        raise Invalid({"email": ["Say where to write, or sign in."]})
    alerts.ask_as_guest(body["email"], product, body["variant_id"])
    return json_response({"state": "confirm"}, 202)


@blp.delete("/products/<product_id>/stock-alerts/<variant_id>")
@member
@blp.answers(204)
@commits
def cancel(product_id: str, variant_id: str) -> Response:
    """Wait no longer."""
    parse_id(product_id, "product")
    alerts.cancel(g.caller.member_id(), parse_id(variant_id, "variant"))
    return no_content()


@blp.get("/stock-alerts")
@member
@blp.answers(200, StockAlerts)
def list_alerts() -> Response:
    """What the caller waits for."""
    return json_response(page_body(queries.alerts_of(g.caller.member_id()), None))


@blp.post("/stock-alerts/confirm")
@public
@limited("auth")
@blp.arguments(ConfirmAlert)
@blp.answers(200, ConfirmedSchema)
@commits
def confirm(body: dict[str, Any]) -> Response:
    """Take the mailed token as the wish of the address' owner."""
    return json_response(alerts.confirm(body["token"]))
