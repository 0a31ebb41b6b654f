"""A thrifty HTTP client of the shop's public API: keep-alive, patient with a busy or restarting shop.

Every call may be sent twice when a connection breaks; the callers see to it that this does no harm.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import urllib3

_API = "/api/v1"
_PATIENCE_SECONDS = 90.0
_LONGEST_WAIT = 10.0
_TIMEOUT = urllib3.Timeout(connect=3.0, read=30.0)


class ShopUnreachable(Exception):
    """The shop (or its mailbox or gateway) did not answer for longer than we wait."""


class Refused(Exception):
    """An answer that is not a 2xx: `status`, the problem's machine word `code`, and the whole `problem`."""

    def __init__(self, call: str, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.problem = problem
        self.code = str(problem.get("code", ""))
        super().__init__(
            f"{call}: {status} {self.code} {problem.get('detail', '')} {problem.get('errors', '')}".strip()
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx answer; the body is parsed only where somebody looks at it."""

    body: bytes
    headers: Mapping[str, str]

    def json(self) -> Any:
        """The parsed body."""
        return orjson.loads(self.body)


@dataclass(frozen=True, slots=True)
class _Later:
    """No answer for now: why, and how many seconds to wait."""

    trouble: str
    wait: float


class Client:
    """Calls one server from up to `connections` threads at once."""

    def __init__(self, url: str, connections: int, patience: float = _PATIENCE_SECONDS) -> None:
        parts = urllib3.util.parse_url(url.rstrip("/"))
        self.url = url.rstrip("/")
        self.is_loopback = parts.host in ("127.0.0.1", "localhost", "::1", "[::1]")
        self._base = parts.path or ""
        self._patience = patience
        self._pool = urllib3.connection_from_url(url, maxsize=connections, block=True, retries=False, timeout=_TIMEOUT)

    def api(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, headers: Mapping[str, str] = {}
    ) -> Answer:
        """One call below /api/v1. Raises Refused, ShopUnreachable."""
        sent = dict(headers)
        if token:
            sent["Authorization"] = f"Bearer {token}"
        return self.call(method, _API + path, body, sent)

    def call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] = {}) -> Answer:
        """One call; asks again while the shop is busy or away. Raises Refused, ShopUnreachable."""
        content = None if body is None else orjson.dumps(body)
        sent = {"User-Agent": "replay", "Accept": "application/json", **headers}
        if content is not None:
            sent["Content-Type"] = "application/json"
        deadline = time.monotonic() + self._patience
        attempt = 0
        while True:
            answer = self._once(method, path, content, sent, attempt)
            if isinstance(answer, Answer):
                return answer
            if time.monotonic() + answer.wait > deadline:
                raise ShopUnreachable(
                    f"{self.url} does not serve {method} {path} for {self._patience:.0f} s: {answer.trouble}"
                )
            time.sleep(answer.wait * random.uniform(0.8, 1.2))
            attempt += 1

    def _once(
        self, method: str, path: str, content: bytes | None, headers: Mapping[str, str], attempt: int
    ) -> Answer | _Later:
        try:
            answer = self._pool.urlopen(method, self._base + path, content, headers, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            return _Later(type(error).__name__, min(2.0, 0.05 * 2**attempt))
        if 200 <= answer.status < 300:
            return Answer(answer.data, answer.headers)
        problem = _problem(answer.data)
        if not _is_passing(answer.status, problem):
            raise Refused(f"{method} {path}", answer.status, problem)
        return _Later(f"{answer.status} {problem.get('code', '')}", _seconds(answer.headers, attempt))


def _is_passing(status: int, problem: Mapping[str, Any]) -> bool:
    """Whether the same call may be answered otherwise in a moment."""
    return status in (429, 502, 503, 504) or problem.get("code") == "idempotency_in_progress"


def _seconds(headers: Mapping[str, str], attempt: int) -> float:
    try:
        return min(_LONGEST_WAIT, max(0.05, float(headers.get("Retry-After", ""))))
    except ValueError:
        return min(2.0, 0.1 * 2**attempt)


def _problem(body: bytes) -> Mapping[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}
