"""A gateway behind a circuit breaker: while the breaker is open nothing is sent and the answer is UNKNOWN."""

from __future__ import annotations

from collections.abc import Callable

from quickshop.payments.gateways.breaker import CircuitBreaker
from quickshop.payments.gateways.port import Answer, AnswerState, ChargeRequest, Gateway, unknown

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

    def look_up(self, key: str) -> Answer:
        """See Gateway.look_up."""
        return self._through(lambda: self._inner.look_up(key))

    def describe(self, token: str) -> Answer:
        """See Gateway.describe."""
        return self._through(lambda: self._inner.describe(token))
