"""Which gateway answers to which provider name. One client and one breaker per provider and process."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from quickshop.config import Settings
from quickshop.kernel import db
from quickshop.payments.gateways.breaker import CircuitBreaker
from quickshop.payments.gateways.port import Gateway
from quickshop.payments.gateways.protected import ProtectedGateway
from quickshop.payments.gateways.simulator import SimulatorGateway

SIMULATOR = "simulator"


class UnknownProvider(LookupError):
    """No gateway answers to this provider name."""


def _simulator(settings: Settings) -> Gateway:
    return SimulatorGateway(settings.gateway_url, db.in_transaction)


_MAKERS: dict[str, Callable[[Settings], Gateway]] = {SIMULATOR: _simulator}
_gateways: dict[tuple[int, str, str], ProtectedGateway] = {}


def gateway_for(provider_name: str, settings: Settings) -> Gateway:
    """The gateway of a provider, behind its circuit breaker. Raises UnknownProvider.

    The process id is part of the memory's key: a forked worker starts with connections and a breaker of its own.
    """
    make = _MAKERS.get(provider_name)
    if make is None:
        raise UnknownProvider(provider_name)
    place = (os.getpid(), provider_name, settings.gateway_url)
    gateway = _gateways.get(place)
    if gateway is None:
        gateway = ProtectedGateway(make(settings), CircuitBreaker(time.monotonic))
        gateway = _gateways.setdefault(place, gateway)
    return gateway
