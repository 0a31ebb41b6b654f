"""What a provider's event does to an order: nothing but have it looked at now. The truth is fetched, not believed."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from quickshop.extensions import settings
from quickshop.kernel import clock
from quickshop.kernel.errors import NotFound, ShopError
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders.processing import wake
from quickshop.payments import service as payments
from quickshop.payments.gateways.port import WebhookEvent
from quickshop.payments.gateways.registry import UnknownProvider, Webhooks, webhooks_of
from quickshop.payments.signatures import BadSignature, verify
from quickshop.security import audit


class BadWebhook(ShopError):
    """The event is forged, too old, or not readable."""

    status, code, title = 400, "invalid_webhook", "Invalid webhook"


def take_webhook(provider: str, header: Callable[[str], str], body: bytes) -> bool:
    """Keep a provider's event and wake its order; False where it was told before. Runs its own unit.

    `header` gives a header of the request by its name. Raises NotFound, BadWebhook: of forged and old events the
    audit log tells, in its chain of security.
    """
    try:
        told = webhooks_of(provider, settings())
    except UnknownProvider:
        raise NotFound("provider") from None
    try:
        verify(told.secrets, header(told.header), body, clock.now().timestamp())
    except BadSignature as error:
        audit.denied("webhook.refused", target=f"provider:{provider}", reason=error.reason, chain="security")
        raise BadWebhook("The signature does not fit, or the event is too old.") from None
    event = _read(told, body)
    return run_unit(lambda: _take(provider, event))


def _take(provider: str, event: WebhookEvent) -> bool:
    # No more is kept than which event it was: what the provider adds may be personal.
    if not payments.keep_webhook(provider, event.id, orjson.dumps({"key": event.key}).decode()):
        return False
    order_id = payments.order_of_attempt(event.key) if event.key else None
    if order_id is not None:
        wake(order_id)
    return True


def _read(told: Webhooks, body: bytes) -> WebhookEvent:
    try:
        return told.read(body)
    except ValueError:
        raise BadWebhook("Not an event of this provider.") from None
