"""Which messages a member wants: one table of topics and channels."""

from __future__ import annotations

from datetime import time

from flask import Response, g, make_response, render_template, request

from blueprints.http.commits import commits_itself
from blueprints.http.page_access import member_page, member_page_now
from blueprints.http.pages import go
from blueprints.storefront.pages import field_errors, pages
from quickshop.accounts import users
from quickshop.accounts.permissions import Permission
from quickshop.accounts.preferences import CHANNELS, LOCKED, STAFF_TOPICS, TOPICS, change_preferences, preferences
from quickshop.accounts.quiet import end_quiet_hours, quiet_hours, set_quiet_hours
from quickshop.kernel.errors import Invalid, ShopError
from quickshop.kernel.unit_of_work import run_unit

TOPIC_WORDS = {
    "orders": ("Orders", "Placed, paid, or in need of you"),
    "delivery": ("Delivery", "On its way, arrived, late"),
    "support": ("Support", "Answers to what you asked"),
    "wishlist": ("Wish list", "Cheaper now, or back in stock"),
    "cart_reminders": ("Your bag", "A reminder of what you left in it"),
    "news": ("News and offers", "Now and then"),
    "shop": ("The shop itself", "What runs low, and the like: for those who keep it"),
    "account": ("Security and legal", "Always sent, so that nobody changes your account unseen"),
}
CHANNEL_WORDS = {"email": "E-mail", "sms": "SMS", "inbox": "Inbox", "push": "Push"}


# What a form offers; the API takes every zone there is, and who has set another finds it among these.
ZONES = (
    "Pacific/Honolulu", "America/Anchorage", "America/Los_Angeles", "America/Denver", "America/Chicago",
    "America/New_York", "America/Halifax", "America/St_Johns", "America/Sao_Paulo", "America/Mexico_City",
    "Atlantic/Azores", "Atlantic/Reykjavik", "Europe/London", "Europe/Dublin", "Europe/Lisbon", "UTC", "Europe/Berlin",
    "Europe/Madrid", "Europe/Paris", "Europe/Rome", "Europe/Amsterdam", "Europe/Vienna", "Europe/Zurich",
    "Europe/Stockholm", "Europe/Warsaw", "Europe/Prague", "Europe/Athens", "Europe/Helsinki", "Europe/Kyiv",
    "Europe/Istanbul", "Africa/Lagos", "Africa/Cairo", "Africa/Johannesburg", "Asia/Jerusalem", "Asia/Dubai",
    "Asia/Karachi", "Asia/Kolkata", "Asia/Bangkok", "Asia/Shanghai", "Asia/Hong_Kong", "Asia/Singapore", "Asia/Manila",
    "Asia/Seoul", "Asia/Tokyo", "Australia/Perth", "Australia/Brisbane", "Australia/Sydney", "Pacific/Auckland",
)  # fmt: skip


def _topics() -> list[str]:
    """The topics that concern this member: those of the shop itself are for its staff."""
    staff = g.caller.may(Permission.METRICS_READ)
    return [topic for topic in TOPICS if staff or topic not in STAFF_TOPICS]


@pages.get("/account/preferences")
@member_page
def wanted_messages() -> Response:
    """The table as it stands, and quiet hours."""
    return _page()


def _page(error: ShopError | None = None) -> Response:
    user_id = g.caller.member_id()
    chosen, quiet = preferences(user_id), quiet_hours(user_id)
    shown = render_template(
        "shop/preferences.html",
        section="preferences",
        topics={topic: chosen[topic] for topic in _topics()},
        locked=LOCKED,
        topic_words=TOPIC_WORDS,
        channel_words=CHANNEL_WORDS,
        saved=request.args.get("saved") == "1",
        has_phone=users.known(user_id).row.phone is not None,
        quiet=quiet,
        zones=sorted({*ZONES, *([quiet["timezone"]] if quiet else [])}),
        problem=next(iter(field_errors(error).values()))[0] if error else None,
    )
    return make_response(shown, error.status if error else 200)


@pages.post("/account/preferences")
@member_page_now
@commits_itself
def change_wanted_messages() -> Response:
    """Take the table as it was sent: a box that is not ticked is a no."""
    wanted = {topic: {channel: f"{topic}.{channel}" in request.form for channel in CHANNELS} for topic in _topics()}
    run_unit(lambda: change_preferences(g.caller.member_id(), wanted))
    return go("/account/preferences?saved=1")


@pages.post("/account/preferences/quiet")
@member_page_now
@commits_itself
def change_quiet_hours() -> Response:
    """Have quiet hours, others, or none any more."""
    user_id = g.caller.member_id()
    try:
        if "off" in request.form:
            run_unit(lambda: end_quiet_hours(user_id))
        else:
            begins, ends = _time("from"), _time("to")
            run_unit(lambda: set_quiet_hours(user_id, begins, ends, request.form.get("timezone", "")))
    except Invalid as error:
        return _page(error)
    return go("/account/preferences?saved=1")


def _time(name: str) -> time:
    try:
        return time.fromisoformat(request.form.get(name, ""))
    except ValueError:
        raise Invalid({name: ["A time of the day such as 22:00."]}) from None
