"""Addresses as coarse as people may be shown them: enough to know one's own town again, too little to find a house."""

from __future__ import annotations

import ipaddress
from functools import lru_cache


@lru_cache(maxsize=4096)
def coarse_network(address: str) -> str | None:
    """The /24 of an IPv4 address, the /48 of an IPv6 address or network; None for anything else."""
    try:
        network = ipaddress.ip_network(address, strict=False)
    except ValueError:
        return None
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is not None:
        network = ipaddress.ip_network(mapped)
    longest = 24 if network.version == 4 else 48
    return str(network.supernet(new_prefix=longest) if network.prefixlen > longest else network)
