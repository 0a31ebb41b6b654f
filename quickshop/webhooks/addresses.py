"""Which network addresses webhooks may reach. Nothing but the public internet, unless the operator allows more. Pure.

An address is judged with everything it stands for: IPv4 hides in several forms of IPv6, and a gateway would carry a
packet to the address inside.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE = ipaddress.IPv6Network("::/96")
_SITE_LOCAL = ipaddress.IPv6Network("fec0::/10")
# Shared with other customers of a provider (RFC 6598): as little public as a private network.
_CARRIER = ipaddress.IPv4Network("100.64.0.0/10")
_ISATAP = (0x00005EFE, 0x02005EFE)
# What an operator may allow: loopback and the networks of a house. Never link-local, where clouds keep credentials.
_PRIVATE: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)
# Ids of instance metadata inside of networks that may be allowed.
_METADATA = (ipaddress.ip_address("fd00:ec2::254"), ipaddress.ip_address("fd20:ce::254"))


def _forms(address: Address) -> Iterator[Address]:
    """The address, and each IPv4 address that it carries."""
    yield address
    if not isinstance(address, ipaddress.IPv6Address):
        return
    number = int(address)
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    inside_low_bits = address in _NAT64 or (address in _COMPATIBLE and number > 1)
    if inside_low_bits or number >> 32 & 0xFFFFFFFF in _ISATAP:
        yield ipaddress.IPv4Address(number & 0xFFFFFFFF)


def _public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None or address in _NAT64:
            return True  # what it carries is judged beside it
        if address in _SITE_LOCAL or address.scope_id is not None:
            return False
    elif address in _CARRIER:
        return False
    return address.is_global and not (
        address.is_private
        or address.is_multicast
        or address.is_reserved
        or address.is_unspecified
        or address.is_loopback
        or address.is_link_local
    )


def _allowed_private(address: Address) -> bool:
    return address not in _METADATA and any(
        address in network for network in _PRIVATE if network.version == address.version
    )


def refused(text: str, private: bool) -> bool:
    """Whether webhooks may not reach this address; `private` allows the networks of a house. Raises ValueError."""
    return not all(_public(form) or (private and _allowed_private(form)) for form in _forms(ipaddress.ip_address(text)))
