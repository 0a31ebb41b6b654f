"""Staff: what is set for the whole shop while it runs."""

from __future__ import annotations

from typing import Any

from flask import Response, g

from blueprints.api.schemas.risk import SettingBody, SettingSchema, SettingsList
from blueprints.http.access import staff
from blueprints.http.audits import audited
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits, commits_itself
from blueprints.http.json import json_response
from blueprints.http.logos import sent_logo, takes_logo
from blueprints.http.pagination import page_body
from quickshop.accounts.permissions import Permission
from quickshop.kernel.unit_of_work import run_unit
from quickshop.shop import logos, queries, service
from quickshop.shop.rules import DETAILS, told

blp = ApiBlueprint("admin_settings", __name__, url_prefix="/api/v1/admin", description="Staff: settings of the shop")


@blp.get("/settings")
@staff(Permission.SETTINGS_WRITE)
@blp.answers(200, SettingsList)
def list_settings() -> Response:
    """Rules of risk with their thresholds, amounts for high value and VIP, and the shop's details on invoices."""
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
    audited(target=f"setting:{setting}", **told(setting, before, after))
    return json_response(queries.setting(setting))


_LOGO = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "string", "format": "binary", "description": "PNG, JPEG or WebP"}},
            }
        }
    },
}


@blp.get("/shop-logo.png")
@staff(Permission.SETTINGS_WRITE)
@blp.answers(200, description="A PNG")
def get_logo() -> Response:
    """The logo that invoices show now; 404 where there is none."""
    digest = queries.details()["logo"]
    return Response(logos.read(digest or ""), mimetype="image/png", headers={"Cache-Control": "no-store"})


@blp.put("/shop-logo")
@staff(Permission.SETTINGS_WRITE)
@takes_logo
@blp.doc(requestBody=_LOGO)
@blp.answers(200, SettingSchema)
@commits_itself
def put_logo() -> Response:
    """Set the logo for invoices that are issued from now on. It is checked by its content and encoded anew."""
    png = sent_logo("file")
    run_unit(lambda: service.set_logo(png, g.caller.user_id))
    audited(target=f"setting:{DETAILS}", changed=["logo"])
    return json_response(queries.setting(DETAILS))


@blp.delete("/shop-logo")
@staff(Permission.SETTINGS_WRITE)
@blp.answers(200, SettingSchema)
@commits
def delete_logo() -> Response:
    """Show the shop's name in its place from now on."""
    service.set_logo(None, g.caller.user_id)
    audited(target=f"setting:{DETAILS}", changed=["logo"])
    return json_response(queries.setting(DETAILS))
