"""A gateway behind a circuit breaker: while the breaker is open nothing is sent and the answer is UNKNOWN."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from quickshop.payments.gateways.breaker import CircuitBreaker
from quickshop.payments.gateways.port import Answer, AnswerState, ChargeRequest, Charges, Gateway, unknown

CIRCUIT_OPEN = "circuit_open"


class ProtectedGateway:
    """Counts UNKNOWN answers as errors; every definite answer, a decline included, as success."""

    def __init__(self, inner: Gateway, breaker: CircuitBreaker) -> None:
        self._inner = inner
        self.breaker = breaker

    def _through(self, call: Callable[[], Answer]) -> Answer:
        if not self.breaker.allow():
            return unknown(CIRCUIT_OPEN, retriable=True)
        answer = call()
        self.breaker.record(answer.state is not AnswerState.UNKNOWN)
        return answer

    def authorize(self, request: ChargeRequest) -> Answer:
        """See Gateway.authorize."""
        return self._through(lambda: self._inner.authorize(request))

    def capture(self, ref: str, key: str, amount_minor: int) -> Answer:
        """See Gateway.capture."""
        return self._through(lambda: self._inner.capture(ref, key, amount_minor))

    def void(self, ref: str, key: str) -> Answer:
        """See Gateway.void."""
        return self._through(lambda: self._inner.void(ref, key))

    def refund(self, ref: str, key: str, amount_minor: int) -> Answer:
        """See Gateway.refund."""
        return self._through(lambda: self._inner.refund(ref, key, amount_minor))

    def look_up(self, key: str, ref: str | None = None, asked_at: datetime | None = None) -> Answer:
        """See Gateway.look_up."""
        return self._through(lambda: self._inner.look_up(key, ref, asked_at))

    def describe(self, token: str) -> Answer:
        """See Gateway.describe."""
        return self._through(lambda: self._inner.describe(token))

    def keep(self, token: str, beside: str | None = None) -> Answer:
        """See Gateway.keep."""
        return self._through(lambda: self._inner.keep(token, beside))

    def forget(self, token: str) -> Answer:
        """See Gateway.forget."""
        return self._through(lambda: self._inner.forget(token))

    def books(self, since: datetime, until: datetime, after: str | None = None) -> Charges | None:
        """See Gateway.books."""
        if not self.breaker.allow():
            return None
        found = self._inner.books(since, until, after)
        self.breaker.record(found is not None)
        return found
