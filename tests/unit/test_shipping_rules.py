"""What shipping costs and when it arrives."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickshop.kernel.errors import Invalid
from quickshop.shipping.rules import Method, add_working_days, choose, offer

METHOD = Method("standard", "Standard", "USD", 500, 10_000, 2, 4)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))


def at(day, hour=9):
    """A moment of November 2026; the 16th is a Monday."""
    return datetime(2026, 11, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(("subtotal", "price"), [(0, 500), (9_999, 500), (10_000, 0), (50_000, 0)])
def test_shipping_is_free_from_its_limit(subtotal, price):
    assert offer(METHOD, subtotal, at(16)).price_minor == price


def test_without_a_limit_shipping_is_never_free():
    assert offer(Method("x", "X", "USD", 500, None, 0, 0), 10**9, at(16)).price_minor == 500


@pytest.mark.parametrize(
    ("moment", "earliest", "latest"),
    [
        (at(16, 9), date(2026, 11, 18), date(2026, 11, 20)),  # Monday morning: packed today
        (at(16, 14), date(2026, 11, 19), date(2026, 11, 23)),  # Monday after the cut-off: packed on Tuesday
        (at(20, 15), date(2026, 11, 25), date(2026, 11, 27)),  # Friday afternoon: packed on Monday
        (at(21, 9), date(2026, 11, 25), date(2026, 11, 27)),  # Saturday: packed on Monday
        (at(22, 9), date(2026, 11, 25), date(2026, 11, 27)),  # Sunday: packed on Monday
    ],
)
def test_the_window_counts_working_days_after_packing(moment, earliest, latest):
    made = offer(METHOD, 0, moment)
    assert (made.deliver_from, made.deliver_to) == (earliest, latest)


@given(MOMENTS, st.integers(0, 20), st.integers(0, 20))
def test_windows_are_in_order_in_the_future_and_on_working_days(moment, first, more):
    made = offer(Method("x", "X", "USD", 0, None, first, first + more), 0, moment)
    assert moment.date() <= made.deliver_from <= made.deliver_to
    assert made.deliver_from.weekday() < 5
    assert made.deliver_to.weekday() < 5


@given(st.dates(date(2020, 1, 1), date(2035, 1, 1)), st.integers(0, 60))
def test_adding_working_days_adds_that_many(start, days):
    end = add_working_days(start, days)
    between = [date.fromordinal(n) for n in range(start.toordinal() + 1, end.toordinal() + 1)]
    assert sum(1 for day in between if day.weekday() < 5) == days


def test_an_unknown_method_is_refused_with_the_possible_ones():
    offers = [offer(METHOD, 0, at(16)), offer(Method("express", "Express", "USD", 900, None, 1, 1), 0, at(16))]
    assert choose(offers, "express").price_minor == 900
    with pytest.raises(Invalid) as refusal:
        choose(offers, "pigeon")
    assert refusal.value.errors == {"shipping_method": ["Not offered for this cart; possible: standard, express."]}
