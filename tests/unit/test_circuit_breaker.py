"""The circuit breaker, on a clock of our own, and the gateway behind it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickshop.payments.gateways.breaker import BreakerState, CircuitBreaker
from quickshop.payments.gateways.port import Answer, AnswerState, ChargeRequest, unknown
from quickshop.payments.gateways.protected import CIRCUIT_OPEN, ProtectedGateway


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(clock):
    return CircuitBreaker(clock)


def feed(breaker, *results):
    for succeeded in results:
        assert breaker.allow()
        breaker.record(succeeded)


def open_it(breaker):
    feed(breaker, *[False] * 20)
    assert breaker.state is BreakerState.OPEN


def test_nineteen_failures_leave_it_closed_and_the_twentieth_opens_it(breaker):
    feed(breaker, *[False] * 19)
    assert breaker.state is BreakerState.CLOSED
    feed(breaker, False)
    assert breaker.state is BreakerState.OPEN
    assert not breaker.allow()


def test_half_failing_opens_it(breaker):
    feed(breaker, *[True, False] * 10)
    assert breaker.state is BreakerState.OPEN


def test_less_than_half_failing_does_not(breaker):
    feed(breaker, *[True, False, True] * 100)
    assert breaker.state is BreakerState.CLOSED


def test_calls_older_than_thirty_seconds_are_forgotten(breaker, clock):
    feed(breaker, *[False] * 19)
    clock.now += 30
    feed(breaker, *[False] * 19)
    assert breaker.state is BreakerState.CLOSED
    feed(breaker, False)
    assert breaker.state is BreakerState.OPEN


def test_after_ten_seconds_exactly_one_probe_goes_through(breaker, clock):
    open_it(breaker)
    clock.now += 9.99
    assert not breaker.allow()
    clock.now += 0.02
    assert [breaker.allow() for _ in range(3)] == [True, False, False]
    assert breaker.state is BreakerState.HALF_OPEN


def test_a_good_probe_closes_it_with_a_clean_slate(breaker, clock):
    open_it(breaker)
    clock.now += 10
    feed(breaker, True)
    assert breaker.state is BreakerState.CLOSED
    feed(breaker, *[False] * 19)
    assert breaker.state is BreakerState.CLOSED


def test_a_bad_probe_opens_it_for_another_ten_seconds(breaker, clock):
    open_it(breaker)
    clock.now += 10
    feed(breaker, False)
    assert breaker.state is BreakerState.OPEN
    clock.now += 9
    assert not breaker.allow()
    clock.now += 1
    assert breaker.allow()


def test_a_probe_that_never_reports_does_not_block_for_good(breaker, clock):
    open_it(breaker)
    clock.now += 10
    assert breaker.allow()
    clock.now += 10
    assert [breaker.allow(), breaker.allow()] == [True, False]


def test_results_that_come_in_while_open_change_nothing(breaker, clock):
    open_it(breaker)
    clock.now += 1
    breaker.record(True)
    breaker.record(False)
    assert breaker.state is BreakerState.OPEN
    clock.now += 9
    assert breaker.allow()


@given(st.lists(st.tuples(st.floats(0, 40), st.booleans())))
def test_it_is_open_only_when_its_rule_was_met(steps):
    clock = Clock()
    breaker = CircuitBreaker(clock)
    calls = []
    for pause, succeeded in steps:
        clock.now += pause
        breaker.record(succeeded)
        calls = [(at, ok) for at, ok in [*calls, (clock.now, succeeded)] if at > clock.now - 30]
        failures = sum(not ok for _, ok in calls)
        met = len(calls) >= 20 and failures * 2 >= len(calls)
        assert (breaker.state is BreakerState.OPEN) == met
        if met:
            return


class Scripted:
    """A gateway that answers every call with the same answer and counts."""

    def __init__(self, answer):
        self.answer = answer
        self.calls = 0

    def _call(self, *arguments):
        self.calls += 1
        return self.answer

    authorize = capture = void = refund = look_up = _call


CALLS = [
    lambda g: g.authorize(ChargeRequest("k", "QS-1", 100, "USD", "tok_approve")),
    lambda g: g.capture("ch_1", "k", 100),
    lambda g: g.void("ch_1", "k"),
    lambda g: g.refund("ch_1", "k", 100),
    lambda g: g.look_up("k"),
]


@pytest.mark.parametrize("call", CALLS)
def test_an_open_breaker_answers_unknown_and_calls_nobody(call, clock):
    inner = Scripted(unknown("timeout"))
    gateway = ProtectedGateway(inner, CircuitBreaker(clock))
    for _ in range(20):
        assert call(gateway).code == "timeout"
    answer = call(gateway)
    assert (answer.state, answer.code, answer.retriable) == (AnswerState.UNKNOWN, CIRCUIT_OPEN, True)
    assert inner.calls == 20


@pytest.mark.parametrize("state", [s for s in AnswerState if s is not AnswerState.UNKNOWN])
def test_definite_answers_are_no_failures(state, clock):
    gateway = ProtectedGateway(Scripted(Answer(state)), CircuitBreaker(clock))
    for call in CALLS * 10:
        assert call(gateway).state is state
    assert gateway.breaker.state is BreakerState.CLOSED
