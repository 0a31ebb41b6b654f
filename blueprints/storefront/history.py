"""The account's first page: a member's orders, and the form to look for one of them."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlencode

from flask import g, render_template, request

from blueprints.http.page_access import member_page
from blueprints.storefront.pages import pages
from quickshop.accounts.queries import me
from quickshop.orders import history

ORDERS_PER_PAGE = 20
LONGEST_WORDS = 100
STATES = (("open", "Not here yet"), ("delivered", "Delivered"), ("returned", "Sent back"), ("cancelled", "Cancelled"))
_FIELDS = ("state", "since", "until", "q")


@pages.get("/account")
@member_page
def account() -> str:
    """Who I am to the shop, and my orders: all, or those that are looked for."""
    user_id = g.caller.member_id()
    orders = history.history(user_id, **_wish(), limit=ORDERS_PER_PAGE, cursor=request.args.get("cursor"))
    asked = {name: request.args[name] for name in _FIELDS if request.args.get(name)}
    older = urlencode(asked | {"cursor": orders["next_cursor"]}) if orders["next_cursor"] else None
    return render_template(
        "shop/account.html",
        section="orders",
        orders=orders,
        asked=asked,
        states=STATES,
        older=older,
        me=me(user_id),
    )


def _wish() -> dict[str, Any]:
    """What the form asks for; what cannot be is left out."""
    state = request.args.get("state", "")
    return {
        "state": state if state in history.STATES else None,
        "since": _day("since"),
        "until": _day("until"),
        "words": request.args.get("q", "").strip()[:LONGEST_WORDS] or None,
    }


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None
