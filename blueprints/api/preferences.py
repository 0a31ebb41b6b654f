"""Which messages the caller wants, by topic and channel."""

from __future__ import annotations

from typing import Any

from flask import Response, g

from blueprints.api.schemas.profile import ChangePreferences, PreferencesOut
from blueprints.http.access import member, member_now
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits
from blueprints.http.json import json_response
from quickshop.accounts import preferences

blp = ApiBlueprint("preferences", __name__, url_prefix="/api/v1/me/preferences", description="Wanted messages")


def _shown() -> Response:
    return json_response({"topics": preferences.preferences(g.caller.member_id()), "locked": preferences.LOCKED})


@blp.get("")
@member
@blp.answers(200, PreferencesOut)
def get_preferences() -> Response:
    """The whole matrix."""
    return _shown()


@blp.put("")
@member_now
@blp.arguments(ChangePreferences)
@blp.answers(200, PreferencesOut)
@commits
def change(body: dict[str, Any]) -> Response:
    """Say yes or no to some topics and channels; the others stay."""
    preferences.change_preferences(g.caller.member_id(), body["topics"])
    return _shown()
