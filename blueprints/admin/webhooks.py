"""Outbound webhooks on the staff's pages: endpoints, their secrets (shown once), and what became of each event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response, g, make_response, render_template, request

from blueprints.admin.forms import Typed
from blueprints.admin.notes import go, problem
from blueprints.admin.views import staff
from blueprints.http.audits import audited
from blueprints.http.commits import commits_itself
from blueprints.http.page_access import staff_page
from quickshop.accounts.permissions import Permission
from quickshop.kernel.errors import NotFound, ShopError
from quickshop.kernel.ids import parse_id
from quickshop.kernel.unit_of_work import run_unit
from quickshop.webhooks import queries, rules, service

ADDRESS = "/admin/webhooks"
DELIVERIES = "/admin/webhook-deliveries"
HOURS = {"24": "A day", "1": "An hour", "168": "A week", "0": "Not at all: it leaked"}
TONES = {
    "active": "good", "disabled": "warn", "given_up": "bad", "delivered": "good", "pending": "warn",
    "closed": "good", "open": "bad", "trying": "warn",
}  # fmt: skip


def _page(template: str, error: ShopError | None, **more: Any) -> Response:
    page = render_template(
        template,
        section="webhooks",
        may_write=g.caller.may(Permission.WEBHOOKS_WRITE),
        nouns=rules.NOUNS,
        tones=TONES,
        form=request.form if error else {},
        problem=problem(error),
        **more,
    )
    return make_response(page, error.status if error else 200)


def _events() -> list[str]:
    """What is ticked and what is typed, together."""
    typed = Typed(request.form).lines("types", "Types", rules.MOST_PATTERNS)
    return [*request.form.getlist("nouns"), *typed]


# --- all endpoints ---------------------------------------------------------------------------------------


@staff.get("/webhooks")
@staff_page(Permission.WEBHOOKS_READ)
def webhook_list() -> Response:
    """All endpoints, the newest first."""
    return _list()


def _list(error: ShopError | None = None) -> Response:
    return _page("staff/webhooks.html", error, webhooks=queries.list_endpoints(), chosen=request.form.getlist("nouns"))


@staff.post("/webhooks")
@staff_page(Permission.WEBHOOKS_WRITE)
@commits_itself
def make_webhook() -> Response:
    """Make an endpoint. This answer is the only one that shows its secret, so it is no redirect."""

    def make() -> tuple[UUID, str]:
        typed, events = Typed(request.form), _events()
        name, url = typed.text("name", "The name", rules.LONGEST_NAME), typed.text("url", "The URL", rules.LONGEST_URL)
        made, secret = service.make(name, url, events, g.caller.user_id)
        audited(target=f"webhook:{made}", after={"events": events})
        return made, secret

    try:
        made, secret = run_unit(make)
    except ShopError as error:
        return _list(error)
    return _one(made, secret=secret)


# --- one endpoint ----------------------------------------------------------------------------------------


def _known(webhook_id: str) -> UUID:
    return parse_id(webhook_id, "webhook")


@staff.get("/webhooks/<webhook_id>")
@staff_page(Permission.WEBHOOKS_READ)
def webhook_page(webhook_id: str) -> Response:
    """One endpoint with what became of each event."""
    return _one(_known(webhook_id))


def _one(webhook_id: UUID, error: ShopError | None = None, secret: str | None = None) -> Response:
    state = request.args.get("state", "")
    webhook = queries.get_endpoint(webhook_id)
    return _page(
        "staff/webhook.html",
        error,
        webhook=webhook,
        ticked=[e for e in webhook["events"] if e.endswith("*")],
        types=[e for e in webhook["events"] if not e.endswith("*")],
        deliveries=queries.list_deliveries(
            webhook_id, state if state in queries.STATES else None, cursor=request.args.get("cursor")
        ),
        state=state,
        states=queries.STATES,
        hours=HOURS,
        secret=secret,
    )


def _do(webhook_id: str, work: Callable[[UUID], Any]) -> Response:
    """Do what a form of the endpoint's page asks for, and show the page again."""
    known = _known(webhook_id)
    try:
        run_unit(lambda: work(known))
    except NotFound:
        raise
    except ShopError as error:
        return _one(known, error)
    return go(f"{ADDRESS}/{known}")


@staff.post("/webhooks/<webhook_id>")
@staff_page(Permission.WEBHOOKS_WRITE)
@commits_itself
def change_webhook(webhook_id: str) -> Response:
    """Change its name, address and events."""

    def change(known: UUID) -> None:
        typed = Typed(request.form)
        changes = {
            "name": typed.text("name", "The name", rules.LONGEST_NAME),
            "url": typed.text("url", "The URL", rules.LONGEST_URL),
            "events": _events(),
        }
        service.change(known, changes, typed.versions())
        audited(after={"events": changes["events"]})

    return _do(webhook_id, change)


@staff.post("/webhooks/<webhook_id>/enabled")
@staff_page(Permission.WEBHOOKS_WRITE)
@commits_itself
def enable_webhook(webhook_id: str) -> Response:
    """Send nothing to it, or send again."""
    enabled = request.form.get("enabled") == "1"
    audited(after={"enabled": enabled})
    return _do(webhook_id, lambda known: service.change(known, {"enabled": enabled}))


@staff.post("/webhooks/<webhook_id>/rotate")
@staff_page(Permission.WEBHOOKS_WRITE)
@commits_itself
def rotate_secret(webhook_id: str) -> Response:
    """Make a new secret, which only this answer shows."""
    known = _known(webhook_id)

    def rotate() -> str:
        hours = Typed(request.form).whole("hours", "The hours", 0, service.MOST_HOURS_OF_TWO_SECRETS)
        audited(after={"hours": hours})
        return service.rotate(known, 24 if hours is None else hours)

    try:
        return _one(known, secret=run_unit(rotate))
    except NotFound:
        raise
    except ShopError as error:
        return _one(known, error)


@staff.post("/webhooks/<webhook_id>/test")
@staff_page(Permission.WEBHOOKS_WRITE)
@commits_itself
def test_webhook(webhook_id: str) -> Response:
    """Send a test event; it stands on top of the deliveries."""
    return _do(webhook_id, service.send_test)


@staff.post("/webhooks/<webhook_id>/recover")
@staff_page(Permission.WEBHOOKS_WRITE)
@commits_itself
def recover_webhook(webhook_id: str) -> Response:
    """Send what was missed behind a number."""

    def recover(known: UUID) -> None:
        after = Typed(request.form).whole("after", "The number", 0, 10**9) or 0
        audited(after={"after": after, "sent": service.recover(known, after)})

    return _do(webhook_id, recover)


@staff.post("/webhooks/<webhook_id>/remove")
@staff_page(Permission.WEBHOOKS_WRITE)
@commits_itself
def remove_webhook(webhook_id: str) -> Response:
    """Remove it with its deliveries."""
    run_unit(lambda: service.remove(_known(webhook_id)))
    return go(ADDRESS)


# --- one delivery ----------------------------------------------------------------------------------------


@staff.get("/webhook-deliveries/<delivery_id>")
@staff_page(Permission.WEBHOOKS_READ)
def delivery_page(delivery_id: str) -> Response:
    """One delivery with every attempt, and what was sent."""
    return _delivery(parse_id(delivery_id, "delivery"))


def _delivery(delivery_id: UUID, error: ShopError | None = None) -> Response:
    delivery = queries.get_delivery(delivery_id)
    webhook = queries.get_endpoint(UUID(delivery["webhook_id"]))
    return _page("staff/webhook_delivery.html", error, delivery=delivery, webhook=webhook)


@staff.post("/webhook-deliveries/<delivery_id>/redeliver")
@staff_page(Permission.WEBHOOKS_WRITE)
@commits_itself
def redeliver(delivery_id: str) -> Response:
    """Send it again."""
    known = parse_id(delivery_id, "delivery")
    try:
        run_unit(lambda: service.redeliver(known))
    except NotFound:
        raise
    except ShopError as error:
        return _delivery(known, error)
    return go(f"{DELIVERIES}/{known}")
