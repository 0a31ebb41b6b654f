"""The caller's devices for push messages, named by the token of their push service."""

from __future__ import annotations

import re
from typing import Any

from flask import Response, g

from blueprints.api.schemas.profile import DevicePage, KeepDevice
from blueprints.http.access import member, member_now
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits
from blueprints.http.json import json_response, no_content
from blueprints.http.pagination import page_body
from quickshop.accounts import devices
from quickshop.kernel.errors import Invalid, NotFound

blp = ApiBlueprint("devices", __name__, url_prefix="/api/v1/me/devices", description="Devices for push messages")

_TOKEN = re.compile(r"[!-~]{1,512}", re.ASCII)


@blp.get("")
@member
@blp.answers(200, DevicePage)
def list_devices() -> Response:
    """All devices, oldest first."""
    return json_response(page_body(devices.devices(g.caller.member_id()), None))


@blp.put("/<token>")
@member_now
@blp.arguments(KeepDevice)
@blp.answers(204)
@commits
def keep(body: dict[str, Any], token: str) -> Response:
    """Send push messages to this device; again changes its name. A device belongs to who registered it last."""
    if not _TOKEN.fullmatch(token):
        raise Invalid({"token": ["1 to 512 printable ASCII characters without spaces."]})
    devices.register_device(g.caller.member_id(), token, body["platform"], body["name"])
    return no_content()


@blp.delete("/<token>")
@member_now
@blp.answers(204)
@commits
def remove(token: str) -> Response:
    """Send no more messages to this device; at sign-out, for instance."""
    if not _TOKEN.fullmatch(token):
        raise NotFound("device")
    devices.remove_device(g.caller.member_id(), token)
    return no_content()
