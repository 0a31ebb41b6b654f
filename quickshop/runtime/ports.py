"""Loopback ports: finding a free one, and holding the shop's own for as long as the supervisor lives."""

from __future__ import annotations

import random
import socket

from quickshop.runtime.failures import CannotStart

# Below the range the kernel hands to outgoing connections: a client that retries while a server is down
# could otherwise be given the server's own port and connect to itself.
SERVER_PORTS = range(20000, 32000)


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port on `host` that nothing listens on now."""
    for candidate in random.sample(SERVER_PORTS, 200):
        if is_free(host, candidate):
            return candidate
    raise CannotStart(f"No free TCP port was found on {host} between 20000 and 32000.")


def is_free(host: str, port: int) -> bool:
    """Whether `port` can be bound on `host` by a program that shares it with nobody."""
    try:
        _bind(host, port).close()
    except OSError:
        return False
    return True


def hold_port(host: str, port: int) -> socket.socket:
    """Bind the shop's port alone, then let only our own sharing processes join it.

    gunicorn's workers share their port (`reuse_port`), so two shops would silently share it too. The socket
    returned never listens; while it is open a second shop is refused.

    Raises CannotStart when another program has the port or the address is not this machine's.
    """
    try:
        held = _bind(host, port)
    except PermissionError as error:
        raise CannotStart(f"Port {port} may only be used by root; choose another with PORT=8000.") from error
    except (OSError, OverflowError) as error:
        raise CannotStart(
            f"Port {port} on {host} is taken by another program ({error}); "
            f"stop that program or choose another port, such as PORT={_elsewhere(port)}."
        ) from error
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return held


def _elsewhere(port: int) -> int:
    # The next one is likely the other shop's gateway.
    return port + 10 if port + 10 < 65536 else port - 10


def _bind(host: str, port: int) -> socket.socket:
    # SO_REUSEADDR lets connections of the last run that are still closing pass; a listener it does not.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except BaseException:
        bound.close()
        raise
    return bound
