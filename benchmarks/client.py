"""A thrifty HTTP client: one keep-alive connection per buyer, nothing parsed that is not needed."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit


class Refused(Exception):
    """An answer that is not a 2xx; `status` and the problem's `code`."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        try:
            self.code = json.loads(body).get("code", "?")
        except ValueError:
            self.code = "?"
        super().__init__(f"{status} {self.code}")


class Client:
    """Calls the public API of one shop."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._connection: http.client.HTTPConnection | None = None

    def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """One call; the JSON answer. Raises Refused."""
        data = None if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **(headers or {})} if data else dict(headers or {})
        for again in (True, False):
            if self._connection is None:
                self._connection = http.client.HTTPConnection(*self._address, timeout=60)
            try:
                self._connection.request(method, path, data, sent)
                answer = self._connection.getresponse()
                content = answer.read()
                break
            except (http.client.HTTPException, OSError):
                self._connection.close()
                self._connection = None
                if not again:
                    raise
        if not 200 <= answer.status < 300:
            raise Refused(answer.status, content)
        return json.loads(content) if content else None
