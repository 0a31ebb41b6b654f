"""Sending one message to an address that nobody vouches for: bounded in time and size, and only where it may go.

The name is resolved once, every address it has is judged, and the connection is made to one that was judged, under the
name's own Host header and certificate: what the name says a moment later does not matter. Redirects are not followed
and the answer's content is not read, so that nobody learns through the shop what answers inside of its network.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from quickshop.webhooks.addresses import refused

CONNECT_SECONDS = 3.0
TOTAL_SECONDS = 10.0
USER_AGENT = "quickshop-webhooks"

Resolve = Callable[[str, int], list[str]]


class NotSent(Exception):
    """No answer came; `code` is one word that says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _Bounded:
    """A socket whose every wait ends at `deadline`: a time-out for each lets a dripping server hold us for ever."""

    deadline = float("inf")

    def _hurry(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        self.settimeout(left)  # type: ignore[attr-defined]

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self._hurry()
        return super().recv_into(*args, **kwargs)  # type: ignore[misc]

    def send(self, *args: Any, **kwargs: Any) -> int:
        self._hurry()
        return super().send(*args, **kwargs)  # type: ignore[misc]


class _Plain(_Bounded, socket.socket):
    """Without TLS."""


class _Tls(_Bounded, ssl.SSLSocket):
    """With TLS."""


@lru_cache(maxsize=1)
def tls_context() -> ssl.SSLContext:
    """How other systems prove who they are: by the authorities that this machine trusts."""
    context = ssl.create_default_context()
    context.sslsocket_class = _Tls
    return context


def resolve(host: str, port: int) -> list[str]:
    """Every address of a name. Raises NotSent."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError):
        raise NotSent("name_not_found") from None
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class _Connection(http.client.HTTPConnection):
    """A connection to addresses that were judged already, under the name of the URL."""

    def __init__(self, host: str, port: int, tls: bool, addresses: list[str], deadline: float) -> None:
        self.default_port = 443 if tls else 80  # what the Host header leaves out
        super().__init__(host, port)
        self._name, self._tls, self._addresses, self._deadline = host, tls, addresses, deadline

    def connect(self) -> None:
        plain = self._first_that_answers()
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # The hand-shake, as a whole, takes no longer than the time-out that stands now.
            self.sock = tls_context().wrap_socket(plain, server_hostname=self._name) if self._tls else plain
        except BaseException:
            plain.close()
            raise
        self.sock.deadline = self._deadline  # type: ignore[union-attr]

    def _first_that_answers(self) -> _Plain:
        trouble: OSError | None = None
        for address in self._addresses:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("nobody answered in time")
            plain = _Plain(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
            try:
                plain.settimeout(min(CONNECT_SECONDS, left))
                plain.connect((address, self.port))
                plain.settimeout(max(0.001, self._deadline - time.monotonic()))
                return plain
            except OSError as error:
                plain.close()
                trouble = error
        raise NotSent("timeout" if isinstance(trouble, TimeoutError) else "unreachable")


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    private: bool,
    total_seconds: float = TOTAL_SECONDS,
    look_up: Resolve | None = None,
) -> int:
    """Send a message once; the status it was answered with. `private` allows the networks of a house. Raises NotSent.

    Codes: name_not_found, private_address, unreachable, timeout, tls, connection_lost, bad_answer.
    """
    deadline = time.monotonic() + total_seconds
    parts = urlsplit(url)
    host, tls = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if tls else 80)
    addresses = (look_up or resolve)(host, port)
    if not addresses or any(refused(address, private) for address in addresses):
        raise NotSent("private_address")
    connection = _Connection(host, port, tls, addresses, deadline)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", target, body, {**headers, "User-Agent": USER_AGENT, "Connection": "close"})
        return connection.getresponse().status
    except TimeoutError:
        raise NotSent("timeout") from None
    except ssl.SSLError:
        raise NotSent("tls") from None
    except http.client.RemoteDisconnected:
        raise NotSent("connection_lost") from None
    except (http.client.HTTPException, ValueError):
        raise NotSent("bad_answer") from None
    except OSError:
        raise NotSent("connection_lost") from None
    finally:
        connection.close()
