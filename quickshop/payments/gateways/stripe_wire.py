"""How the official Stripe library reaches Stripe: bounded in time and size, sent at most once, no redirects.

The library's own clients bound each read but not the answer, and repeat calls by themselves; repeating is the
shop's decision, made with the same key.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

import stripe
import urllib3

from quickshop.kernel.wire import CONNECT_SECONDS, READ_SECONDS

LARGEST_REPLY = 2 * 1024 * 1024  # a page of a hundred intents, with room
_CONNECTIONS = 16
_CHUNK = 64 * 1024


class NoAnswer(stripe.APIConnectionError):
    """No answer that can be read. `sent` is False only when the request certainly never left."""

    def __init__(self, code: str, *, sent: bool = True) -> None:
        super().__init__(code, should_retry=False)
        self.word = code
        self.sent = sent


class OnceClient(stripe.HTTPClient):
    """The library's HTTP client over urllib3, which gevent knows to wait for. A fork has connections of its own."""

    name = "quickshop"

    def __init__(self, read_seconds: float = READ_SECONDS) -> None:
        super().__init__(verify_ssl_certs=True)
        self._read_seconds = read_seconds
        self._pool: urllib3.PoolManager | None = None
        self._pid = 0

    def _connections(self) -> urllib3.PoolManager:
        if self._pool is None or self._pid != os.getpid():
            self._pool = urllib3.PoolManager(
                num_pools=4,
                maxsize=_CONNECTIONS,
                timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=self._read_seconds),
                retries=False,
                cert_reqs="CERT_REQUIRED",
                ca_certs=stripe.ca_bundle_path,
            )
            self._pid = os.getpid()
        return self._pool

    def request(  # type: ignore[override]  # the library takes bytes as well
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **_: Any
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """One request, sent at most once. Raises NoAnswer."""
        try:
            return self._exchange(method.upper(), url, headers, post_data)
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError):
            raise NoAnswer("unreachable", sent=False) from None
        except (urllib3.exceptions.ReadTimeoutError, TimeoutError):
            raise NoAnswer("timeout") from None
        except (urllib3.exceptions.HTTPError, OSError):
            raise NoAnswer("connection_lost") from None

    def _exchange(
        self, method: str, url: str, headers: Mapping[str, str] | None, body: Any
    ) -> tuple[bytes, int, Mapping[str, str]]:
        deadline = time.monotonic() + CONNECT_SECONDS + self._read_seconds
        answer = self._connections().request(
            method, url, body=body, headers=dict(headers or {}), redirect=False, preload_content=False
        )
        raw, whole = b"", False
        try:
            while part := answer.read1(_CHUNK):
                raw += part
                if len(raw) > LARGEST_REPLY:
                    raise NoAnswer("reply_too_large")
                if time.monotonic() > deadline:
                    raise NoAnswer("timeout")
            whole = True
        finally:
            # Only an answer read to its end leaves the connection fit for another request.
            if not whole:
                answer.close()
            answer.release_conn()
        return raw, answer.status, answer.headers

    def close(self) -> None:
        """Let the connections go."""
        if self._pool is not None:
            self._pool.clear()
