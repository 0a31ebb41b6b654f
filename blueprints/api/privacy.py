"""A copy of everything the shop knows of the caller, and the end of their account, by API."""

from __future__ import annotations

from typing import Any

from flask import Response, g

from blueprints.api.schemas.auth import ProofBody
from blueprints.api.schemas.privacy import ExportOut
from blueprints.http.access import member_now
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits_itself
from blueprints.http.downloads import download
from blueprints.http.json import JSON, no_content
from blueprints.http.limits import limited
from quickshop.accounts.proving import prove
from quickshop.kernel.clock import now
from quickshop.privacy import service

blp = ApiBlueprint("privacy", __name__, url_prefix="/api/v1/me", description="The caller's own data")


@blp.get("/export")
@member_now
@limited("auth")
@blp.answers(200, ExportOut)
def export() -> Response:
    """Everything the shop knows of the caller, as one JSON document to keep."""
    made = service.export_account(g.caller.member_id())
    return download(made, f"quickshop-data-{now():%Y-%m-%d}.json", JSON)


@blp.delete("")
@member_now
@limited("auth")
@blp.arguments(ProofBody)
@blp.answers(204)
@commits_itself
def end_account(body: dict[str, Any]) -> Response:
    """Erase the account for good. Refused with `orders_under_way` while an order is placed, processing or on hold."""
    prove(user_id=g.caller.member_id(), session_id=g.caller.session_id, **body)
    service.erase_account(g.caller.member_id())
    return no_content()
