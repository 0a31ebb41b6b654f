"""Who a request's work is put down to: the caller and the coarse network it came from, for the audit log."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from flask import request

from quickshop.accounts.callers import Caller
from quickshop.kernel import tracing


@lru_cache(maxsize=4096)
def coarse_network(address: str) -> str | None:
    """The network of a client address: /24 of IPv4, /48 of IPv6; None for what is no address."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return None
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return str(ipaddress.ip_network(f"{ip}/{24 if ip.version == 4 else 48}", strict=False))


def act_as(caller: Caller) -> None:
    """From here on the request's work is the caller's."""
    tracing.set_actor(caller.actor, coarse_network(request.remote_addr or ""))
