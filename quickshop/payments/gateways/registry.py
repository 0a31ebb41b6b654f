"""Which gateway answers to which provider name. One client and one breaker per provider and process."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from quickshop.config import Settings
from quickshop.kernel import db
from quickshop.payments.gateways import simulator, stripe
from quickshop.payments.gateways.breaker import CircuitBreaker
from quickshop.payments.gateways.port import Gateway, WebhookEvent
from quickshop.payments.gateways.protected import ProtectedGateway
from quickshop.payments.gateways.simulator import SimulatorGateway
from quickshop.payments.gateways.stripe import StripeGateway
from quickshop.payments.signatures import HEADER

SIMULATOR, STRIPE = "simulator", "stripe"


class UnknownProvider(LookupError):
    """No gateway answers to this provider name."""


def _simulator(settings: Settings) -> Gateway:
    return SimulatorGateway(settings.gateway_url, db.in_transaction)


def _stripe(settings: Settings) -> Gateway:
    return StripeGateway(
        settings.stripe_secret_key,
        db.in_transaction,
        return_url=f"{settings.public_url}/orders/{{order}}",
        api_url=settings.stripe_api_url,
    )


_MAKERS: dict[str, Callable[[Settings], Gateway]] = {SIMULATOR: _simulator, STRIPE: _stripe}
_gateways: dict[tuple[int, str, str], ProtectedGateway] = {}


@dataclass(frozen=True)
class Webhooks:
    """How a provider tells us things: the header with its signature, the secrets in force, and how events are read."""

    header: str
    secrets: tuple[str, ...]
    read: Callable[[bytes], WebhookEvent]


def webhooks_of(provider_name: str, settings: Settings) -> Webhooks:
    """How a provider's events are believed. Raises UnknownProvider, also where it has no secret here."""
    known = {
        SIMULATOR: Webhooks(HEADER, settings.gateway_webhook_secrets, simulator.read_event),
        STRIPE: Webhooks("Stripe-Signature", settings.stripe_webhook_secrets, stripe.read_event),
    }
    found = known.get(provider_name)
    if found is None or not found.secrets:
        raise UnknownProvider(provider_name)
    return found


def _account(provider_name: str, settings: Settings) -> str:
    """What tells one account at a provider from another; empty where the shop has none."""
    return settings.gateway_url if provider_name == SIMULATOR else settings.stripe_secret_key


def gateway_for(provider_name: str, settings: Settings) -> Gateway:
    """The gateway of a provider, behind its circuit breaker. Raises UnknownProvider.

    The process id is part of the memory's key: a forked worker starts with connections and a breaker of its own.
    """
    make = _MAKERS.get(provider_name)
    if make is None:
        raise UnknownProvider(provider_name)
    account = _account(provider_name, settings)
    if not account:
        raise UnknownProvider(provider_name)
    place = (os.getpid(), provider_name, account)
    gateway = _gateways.get(place)
    if gateway is None:
        gateway = ProtectedGateway(make(settings), CircuitBreaker(time.monotonic))
        gateway = _gateways.setdefault(place, gateway)
    return gateway
