"""What payment providers tell us: signed, kept once, and followed by a look at the truth."""

from __future__ import annotations

from flask import Response, request

from blueprints.http.access import public
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits_itself
from blueprints.http.json import json_response
from quickshop.orders.webhooks import take_webhook

blp = ApiBlueprint("payments", __name__, url_prefix="/api/v1", description="Calls from payment providers")


@blp.post("/payments/webhooks/<provider>")
@public
@blp.answers(200)
@commits_itself
def webhook(provider: str) -> Response:
    """A signed event of a provider. Told twice, it has one effect; forged or old, it is refused with 400."""
    fresh = take_webhook(provider, lambda name: request.headers.get(name, ""), request.get_data())
    return json_response({"received": True, "new": fresh})
