"""The page of the messages that were sent, or wait to be, and of channels that are away."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Response, g, make_response, render_template, request

from blueprints.admin.views import staff
from blueprints.http.audits import audited
from blueprints.http.commits import commits_itself
from blueprints.http.page_access import staff_page
from blueprints.http.pages import go
from quickshop.accounts.permissions import Permission
from quickshop.accounts.preferences import CHANNELS
from quickshop.kernel.errors import ShopError
from quickshop.kernel.unit_of_work import run_unit
from quickshop.notifications import deliveries
from quickshop.notifications.deliveries import STATES, Wanted

ADDRESS = "/admin/messages"


def _asked() -> dict[str, str]:
    """What was asked for, without what is not among the choices."""
    given = {name: request.args.get(name, "").strip() for name in ("order", "channel", "state")}
    choices = {"channel": CHANNELS, "state": STATES}
    return {n: v for n, v in given.items() if v and v in choices.get(n, (v,))}


def _page(error: ShopError | None = None) -> Response:
    asked = _asked()
    wanted = Wanted(order=asked.get("order"), channel=asked.get("channel"), state=asked.get("state"))
    found = deliveries.list_deliveries(wanted, limit=50, cursor=request.args.get("cursor") or None)
    more = urlencode({**asked, "cursor": found["next_cursor"]}) if found["next_cursor"] else None
    context: dict[str, Any] = {
        "messages": found,
        "paused": deliveries.paused_channels(),
        "asked": asked,
        "more": more,
        "here": urlencode(asked),
        "channels": CHANNELS,
        "states": STATES,
        "sent_again": request.args.get("sent") == "1",
        "may_send": g.caller.may(Permission.ORDERS_WRITE),
        "problem": error.detail if error else None,
    }
    shown = render_template("staff/messages.html", section="messages", **context)
    return make_response(shown, error.status if error else 200)


@staff.get("/messages")
@staff_page(Permission.ORDERS_READ)
def messages() -> Response:
    """Messages, the last made first, of an order, a channel or a state, or all."""
    return _page()


@staff.post("/messages/<int:delivery_id>/resend")
@staff_page(Permission.ORDERS_WRITE)
@commits_itself
def resend_message(delivery_id: int) -> Response:
    """Send a message once more."""
    try:
        made = run_unit(lambda: deliveries.resend(delivery_id))
    except ShopError as error:
        if error.status == 404:
            raise
        return _page(error)
    audited(target=f"delivery:{delivery_id}", after={"delivery": made})
    return go(f"{ADDRESS}?{urlencode({**_asked(), 'sent': 1})}")
