"""What an answer to an authorisation means, and how long to wait before asking again."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickshop.payments.gateways.port import Answer, AnswerState, unknown
from quickshop.payments.rules import LONGEST_WAIT, UNKNOWN_SECONDS, Outcome, judge, wait_seconds

S = AnswerState
OLD = UNKNOWN_SECONDS + 1


@pytest.mark.parametrize(
    ("state", "look_ups", "age", "outcome"),
    [
        (S.AUTHORIZED, 0, 0, Outcome.PAID),
        (S.AUTHORIZED, 2, OLD, Outcome.PAID),  # money that is reserved counts, however late we hear of it
        (S.DECLINED, 0, 0, Outcome.REFUSED),
        (S.NOT_FOUND, 0, 0, Outcome.WAIT),
        (S.NOT_FOUND, 1, 0, Outcome.WAIT),
        (S.NOT_FOUND, 2, 0, Outcome.REFUSED),  # the third look-up that says so
        (S.NOT_FOUND, 0, OLD, Outcome.WAIT),  # age alone never makes a lost charge a refusal
        (S.REQUIRES_ACTION, 0, 0, Outcome.CHALLENGE),
        (S.REQUIRES_ACTION, 0, OLD, Outcome.EXPIRED),
        (S.PENDING, 0, 0, Outcome.WAIT),
        (S.PENDING, 0, OLD, Outcome.GIVE_UP),
        (S.UNKNOWN, 0, 0, Outcome.WAIT),
        (S.UNKNOWN, 0, OLD, Outcome.GIVE_UP),
    ],
)
def test_what_an_answer_means(state, look_ups, age, outcome):
    assert judge(Answer(state), look_ups=look_ups, age_seconds=age) is outcome


@given(st.booleans(), st.integers(0, 10), st.floats(0, 10**7))
def test_silence_alone_is_never_taken_for_a_refusal(retriable, look_ups, age):
    outcome = judge(unknown("timeout", retriable=retriable), look_ups=look_ups, age_seconds=age)
    assert outcome in (Outcome.WAIT, Outcome.GIVE_UP)


@given(st.sampled_from(AnswerState), st.integers(0, 10), st.floats(0, 10**7))
def test_only_reserved_money_counts_as_paid(state, look_ups, age):
    paid = judge(Answer(state), look_ups=look_ups, age_seconds=age) is Outcome.PAID
    assert paid == (state is S.AUTHORIZED)


@given(st.floats(0, 10**6), st.integers())
def test_waits_grow_with_age_and_stay_between_half_a_second_and_a_minute(age, seed):
    assert 0.5 <= wait_seconds(age, random.Random(seed)) <= LONGEST_WAIT
    assert wait_seconds(age, random.Random(seed)) <= max(1.0, age / 2)
