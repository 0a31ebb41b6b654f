"""Staff: what is set for the whole shop while it runs."""

from __future__ import annotations

from typing import Any

from flask import Response, g

from blueprints.api.schemas.risk import SettingBody, SettingSchema, SettingsList
from blueprints.http.access import staff
from blueprints.http.audits import audited
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits
from blueprints.http.json import json_response
from blueprints.http.pagination import page_body
from quickshop.accounts.permissions import Permission
from quickshop.shop import queries, service

blp = ApiBlueprint("admin_settings", __name__, url_prefix="/api/v1/admin", description="Staff: settings of the shop")


@blp.get("/settings")
@staff(Permission.SETTINGS_WRITE)
@blp.answers(200, SettingsList)
def list_settings() -> Response:
    """Rules of risk with their thresholds, and from which amounts orders are of high value and customers VIP."""
    return json_response(page_body(queries.all_settings(), None))


@blp.get("/settings/<setting>")
@staff(Permission.SETTINGS_WRITE)
@blp.answers(200, SettingSchema)
def get_setting(setting: str) -> Response:
    """One setting."""
    return json_response(queries.setting(setting))


@blp.put("/settings/<setting>")
@staff(Permission.SETTINGS_WRITE)
@blp.arguments(SettingBody)
@blp.answers(200, SettingSchema)
@commits
def put_setting(body: dict[str, Any], setting: str) -> Response:
    """Set it, whole; in force everywhere within a second. 409 `changed_meanwhile` where `version` is an old one."""
    before = queries.setting(setting)["value"]
    after = service.set_value(setting, body["value"], body["version"], g.caller.user_id)
    audited(target=f"setting:{setting}", before=before, after=after)
    return json_response(queries.setting(setting))
