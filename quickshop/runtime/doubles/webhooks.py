"""Telling the shop: signed deliveries in the background, tried again until the shop says 2xx or patience ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import orjson
import urllib3

from quickshop.payments.signatures import HEADER, sign

RETRIES = 5
_AT_ONCE = 8
_TIMEOUT = urllib3.Timeout(connect=1.0, read=5.0)


class Webhooks:
    """Deliveries to one address. `closed(event_id, delivered)` is called once at the end of each."""

    def __init__(self, url: str, secret: str, backoff: float, closed: Callable[[str, bool], None]) -> None:
        self._url = url
        self._secret = secret
        self._backoff = backoff
        self._closed = closed
        self._slots = threading.BoundedSemaphore(_AT_ONCE)
        self._pool = urllib3.PoolManager(maxsize=_AT_ONCE, retries=False, timeout=_TIMEOUT)

    def send(self, event_id: str, charge: dict[str, Any]) -> None:
        """Begin to deliver `charge.updated`; returns at once."""
        body = orjson.dumps({"id": event_id, "type": "charge.updated", "charge": charge})
        threading.Thread(target=self._deliver, args=(event_id, body), name=event_id, daemon=True).start()

    def _deliver(self, event_id: str, body: bytes) -> None:
        for attempt in range(RETRIES + 1):
            if attempt:
                time.sleep(self._backoff * 2 ** (attempt - 1))
            if self._accepted(body):
                self._closed(event_id, True)
                return
        self._closed(event_id, False)

    def _accepted(self, body: bytes) -> bool:
        # Signed anew for each attempt: the shop refuses an old timestamp.
        headers = {"Content-Type": "application/json", HEADER: sign(self._secret, int(time.time()), body)}
        try:
            with self._slots:
                answer = self._pool.request("POST", self._url, body=body, headers=headers, redirect=False)
        except urllib3.exceptions.HTTPError:
            return False
        return 200 <= answer.status < 300
