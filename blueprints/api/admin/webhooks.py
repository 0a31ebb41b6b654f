"""Staff: outbound webhooks with their deliveries, and the log of events for integrations."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, g

from blueprints.api.schemas.common import EventsQuery
from blueprints.api.schemas.webhooks import (
    ChangeWebhookBody,
    DeliveryListArgs,
    DeliveryPage,
    DeliveryWithAttempts,
    MadeWebhook,
    NewWebhookBody,
    RecoverBody,
    RecoveredSchema,
    RotateBody,
    WebhookEventPage,
    WebhookList,
    WebhookSchema,
)
from blueprints.http.access import staff
from blueprints.http.audits import audited
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits
from blueprints.http.json import json_response, no_content
from blueprints.http.pagination import page_body
from quickshop.accounts.permissions import Permission
from quickshop.kernel.ids import parse_id
from quickshop.webhooks import queries, service

blp = ApiBlueprint("admin_webhooks", __name__, url_prefix="/api/v1/admin", description="Staff: outbound webhooks")


def _webhook(webhook_id: str) -> UUID:
    return parse_id(webhook_id, "webhook")


@blp.get("/webhooks")
@staff(Permission.WEBHOOKS_READ)
@blp.answers(200, WebhookList)
def list_webhooks() -> Response:
    """All endpoints, the newest first; their secrets are shown to nobody."""
    return json_response(page_body(queries.list_endpoints(), None))


@blp.post("/webhooks")
@staff(Permission.WEBHOOKS_WRITE)
@blp.arguments(NewWebhookBody)
@blp.answers(201, MadeWebhook)
@commits
def create_webhook(body: dict[str, Any]) -> Response:
    """Tell an address of what happens from now on. The answer is the only one that ever shows its secret."""
    made, secret = service.make(**body, by=g.caller.user_id)
    audited(target=f"webhook:{made}", after={"events": body["events"]})
    return json_response(
        {**queries.get_endpoint(made), "secret": secret}, 201, {"Location": f"/api/v1/admin/webhooks/{made}"}
    )


@blp.get("/webhooks/<webhook_id>")
@staff(Permission.WEBHOOKS_READ)
@blp.answers(200, WebhookSchema)
def get_webhook(webhook_id: str) -> Response:
    """One endpoint."""
    return json_response(queries.get_endpoint(_webhook(webhook_id)))


@blp.patch("/webhooks/<webhook_id>")
@staff(Permission.WEBHOOKS_WRITE)
@blp.arguments(ChangeWebhookBody)
@blp.answers(200, WebhookSchema)
@commits
def change_webhook(body: dict[str, Any], webhook_id: str) -> Response:
    """Change, disable or enable it. 409 `changed_meanwhile` where `version` is an old one."""
    changes = {name: value for name, value in body.items() if name != "version"}
    versions = frozenset({str(body["version"])}) if "version" in body else None
    service.change(_webhook(webhook_id), changes, versions)
    audited(after={name: value for name, value in changes.items() if name in ("enabled", "events")})
    return json_response(queries.get_endpoint(_webhook(webhook_id)))


@blp.delete("/webhooks/<webhook_id>")
@staff(Permission.WEBHOOKS_WRITE)
@blp.answers(204)
@commits
def remove_webhook(webhook_id: str) -> Response:
    """Remove it with its deliveries; the log of events stays."""
    service.remove(_webhook(webhook_id))
    return no_content()


@blp.post("/webhooks/<webhook_id>/rotate")
@staff(Permission.WEBHOOKS_WRITE)
@blp.arguments(RotateBody)
@blp.answers(200, MadeWebhook)
@commits
def rotate_secret(body: dict[str, Any], webhook_id: str) -> Response:
    """Make a new secret, shown here and never again. Until `hours` are over messages are signed with both."""
    secret = service.rotate(_webhook(webhook_id), body["hours"])
    audited(after={"hours": body["hours"]})
    return json_response({**queries.get_endpoint(_webhook(webhook_id)), "secret": secret})


@blp.post("/webhooks/<webhook_id>/test")
@staff(Permission.WEBHOOKS_WRITE)
@blp.answers(202, DeliveryWithAttempts)
@commits
def send_test(webhook_id: str) -> Response:
    """Send an event `webhook.test` to this endpoint alone; its delivery tells what became of it."""
    return json_response(queries.get_delivery(service.send_test(_webhook(webhook_id))), 202)


@blp.post("/webhooks/<webhook_id>/recover")
@staff(Permission.WEBHOOKS_WRITE)
@blp.arguments(RecoverBody)
@blp.answers(202, RecoveredSchema)
@commits
def recover(body: dict[str, Any], webhook_id: str) -> Response:
    """Send every event behind `after` that the endpoint wants and has not taken: given up, or noted while disabled."""
    sent = service.recover(_webhook(webhook_id), body["after"])
    audited(after={"after": body["after"], "sent": sent})
    return json_response({"sent": sent}, 202)


@blp.get("/webhooks/<webhook_id>/deliveries")
@staff(Permission.WEBHOOKS_READ)
@blp.arguments(DeliveryListArgs, location="query")
@blp.answers(200, DeliveryPage)
def list_deliveries(args: dict[str, Any], webhook_id: str) -> Response:
    """What became of each event, the latest first."""
    return json_response(queries.list_deliveries(_webhook(webhook_id), **args))


@blp.get("/webhook-deliveries/<delivery_id>")
@staff(Permission.WEBHOOKS_READ)
@blp.answers(200, DeliveryWithAttempts)
def get_delivery(delivery_id: str) -> Response:
    """One delivery with every attempt."""
    return json_response(queries.get_delivery(parse_id(delivery_id, "delivery")))


@blp.post("/webhook-deliveries/<delivery_id>/redeliver")
@staff(Permission.WEBHOOKS_WRITE)
@blp.answers(202, DeliveryWithAttempts)
@commits
def redeliver(delivery_id: str) -> Response:
    """Send it again, whatever became of it; the message keeps its id, so whoever took it once can tell."""
    service.redeliver(parse_id(delivery_id, "delivery"))
    return json_response(queries.get_delivery(parse_id(delivery_id, "delivery")), 202)


@blp.get("/webhook-events")
@staff(Permission.WEBHOOKS_READ)
@blp.arguments(EventsQuery, location="query")
@blp.answers(200, WebhookEventPage)
def list_events(args: dict[str, Any]) -> Response:
    """Every event behind a `seq`, in order, for whoever missed some; of the last 30 days, since there is a webhook."""
    return json_response(page_body(queries.list_events(**args), None))
