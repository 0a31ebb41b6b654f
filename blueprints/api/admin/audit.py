"""Staff: the audit log."""

from __future__ import annotations

from typing import Any

from flask import Response

from blueprints.api.schemas.audit import AuditPage, AuditQuery
from blueprints.http.access import staff
from blueprints.http.body import ApiBlueprint
from blueprints.http.json import json_response
from quickshop.accounts.permissions import Permission
from quickshop.security import audit_chain

blp = ApiBlueprint("admin_audit", __name__, url_prefix="/api/v1/admin", description="Staff: the audit log")


@blp.get("/audit-log")
@staff(Permission.AUDIT_READ)
@blp.arguments(AuditQuery, location="query")
@blp.answers(200, AuditPage)
def list_entries(args: dict[str, Any]) -> Response:
    """Who did what, newest first; by actor, target, action, outcome, chain and time."""
    return json_response(audit_chain.page(**args))
