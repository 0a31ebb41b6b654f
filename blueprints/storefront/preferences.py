"""Which messages a member wants: one table of topics and channels."""

from __future__ import annotations

from flask import Response, g, render_template, request

from blueprints.http.commits import commits_itself
from blueprints.http.page_access import member_page, member_page_now
from blueprints.http.pages import go
from blueprints.storefront.pages import pages
from quickshop.accounts.preferences import CHANNELS, LOCKED, TOPICS, change_preferences, preferences
from quickshop.kernel.unit_of_work import run_unit

TOPIC_WORDS = {
    "orders": ("Orders", "Placed, paid, or in need of you"),
    "delivery": ("Delivery", "On its way, arrived, late"),
    "support": ("Support", "Answers to what you asked"),
    "wishlist": ("Wish list", "Cheaper now, or back in stock"),
    "cart_reminders": ("Your bag", "A reminder of what you left in it"),
    "news": ("News and offers", "Now and then"),
    "account": ("Security and legal", "Always sent, so that nobody changes your account unseen"),
}
CHANNEL_WORDS = {"email": "E-mail", "sms": "SMS", "inbox": "Inbox", "push": "Push"}


@pages.get("/account/preferences")
@member_page
def wanted_messages() -> str:
    """The table as it stands."""
    return render_template(
        "shop/preferences.html",
        section="preferences",
        topics=preferences(g.caller.member_id()),
        locked=LOCKED,
        topic_words=TOPIC_WORDS,
        channel_words=CHANNEL_WORDS,
        saved=request.args.get("saved") == "1",
    )


@pages.post("/account/preferences")
@member_page_now
@commits_itself
def change_wanted_messages() -> Response:
    """Take the table as it was sent: a box that is not ticked is a no."""
    wanted = {topic: {channel: f"{topic}.{channel}" in request.form for channel in CHANNELS} for topic in TOPICS}
    run_unit(lambda: change_preferences(g.caller.member_id(), wanted))
    return go("/account/preferences?saved=1")
