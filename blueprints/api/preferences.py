"""Which messages the caller wants, by topic and channel."""

from __future__ import annotations

from typing import Any

from flask import Response, g

from blueprints.api.schemas.profile import ChangePreferences, PreferencesOut
from blueprints.http.access import member, member_now
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits
from blueprints.http.json import json_response
from quickshop.accounts import preferences, quiet

blp = ApiBlueprint("preferences", __name__, url_prefix="/api/v1/me/preferences", description="Wanted messages")


def _shown() -> Response:
    user_id = g.caller.member_id()
    return json_response(
        {
            "topics": preferences.preferences(user_id),
            "locked": preferences.LOCKED,
            "quiet_hours": quiet.quiet_hours(user_id),
        }
    )


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
    """Say yes or no to some topics and channels, and when not to be woken; what is left out stays."""
    user_id = g.caller.member_id()
    preferences.change_preferences(user_id, body.get("topics", {}))
    hours = body.get("quiet_hours")
    if hours is not None:
        quiet.set_quiet_hours(user_id, hours["begins"], hours["ends"], hours["timezone"])
    elif "quiet_hours" in body:
        quiet.end_quiet_hours(user_id)
    return _shown()
