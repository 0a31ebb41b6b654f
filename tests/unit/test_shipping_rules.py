"""What shipping costs, whom it serves and when it arrives."""

import os
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quickshop.accounts.places import Place
from quickshop.kernel.errors import Invalid
from quickshop.shipping.rules import (
    MOST_QUEUE_DAYS,
    Band,
    Calendar,
    Method,
    Parcel,
    Terms,
    add_working_days,
    choose,
    offer,
    offers,
    packed_on,
    price_of,
    queue_days,
    sorted_bands,
)

MANY = settings(max_examples=int(os.environ.get("PRICING_EXAMPLES", "100")), deadline=None)
METHOD = Method("standard", "Standard", "USD", 500, 10_000, 2, 4)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))
# Both halves of the world, half an hour of summer time, and clocks far from the one of London.
ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"]
)
CALENDARS = st.builds(
    Calendar,
    timezone=ZONES,
    cut_off=st.times(),
    handling_days=st.integers(0, 5),
    working_days=st.frozensets(st.integers(1, 7), min_size=1),
    holidays=st.frozensets(st.dates(date(2026, 1, 1), date(2026, 3, 1)), max_size=8),
    queue_days=st.integers(0, 10),
)


def at(day, hour=9):
    """A moment of November 2026; the 16th is a Monday."""
    return datetime(2026, 11, day, hour, tzinfo=UTC)


def worth(value, grams=0):
    """A parcel."""
    return Parcel(grams, value)


# --- price --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "price"), [(0, 500), (9_999, 500), (10_000, 0), (50_000, 0)])
def test_shipping_is_free_from_its_limit(value, price):
    assert offer(METHOD, worth(value), at(16)).price_minor == price


def test_without_a_limit_shipping_is_never_free():
    assert offer(Method("x", "X", "USD", 500, None, 0, 0), worth(10**9), at(16)).price_minor == 500


BANDS = (Band(1_000, 700), Band(5_000, 900))


@pytest.mark.parametrize(
    ("priced_by", "parcel", "price"),
    [
        ("weight", worth(9_999, 999), 500),
        ("weight", worth(0, 1_000), 700),
        ("weight", worth(0, 4_999), 700),
        ("weight", worth(0, 10**6), 900),
        ("value", worth(999, 10**6), 500),
        ("value", worth(5_000, 0), 900),
        ("flat", worth(5_000, 10**6), 500),
    ],
)
def test_the_last_band_that_has_begun_gives_the_price(priced_by, parcel, price):
    method = Method("x", "X", "USD", 500, None, 0, 0, priced_by=priced_by, bands=BANDS)
    assert price_of(method, parcel) == price
    assert price_of(Method("x", "X", "USD", 500, 0, 0, 0, priced_by=priced_by, bands=BANDS), parcel) == 0


def test_two_bands_do_not_begin_at_once():
    assert sorted_bands([Band(5, 1), Band(2, 3)]) == (Band(2, 3), Band(5, 1))
    with pytest.raises(Invalid):
        sorted_bands([Band(5, 1), Band(5, 3)])


# --- whom it serves -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "parcel", "served"),
    [
        ({}, worth(0, 0), True),
        ({"max_weight_grams": 2_000}, worth(0, 2_000), True),
        ({"max_weight_grams": 2_000}, worth(0, 2_001), False),
        ({"min_weight_grams": 500}, worth(0, 499), False),
        ({"min_value_minor": 1_000}, worth(999), False),
        ({"min_value_minor": 1_000}, worth(1_000), True),
        ({"max_value_minor": 1_000}, worth(1_001), False),
        ({"zone": "here"}, worth(0), True),
        ({"zone": "there"}, worth(0), False),
    ],
)
def test_a_method_serves_its_zone_and_what_is_within_its_limits(limits, parcel, served):
    method = Method("x", "X", "USD", 500, None, 1, 1, **limits)
    terms = Terms((method,), "here", Calendar(), Place("US"))
    assert [o.code for o in offers(terms, parcel, at(16))] == (["x"] if served else [])


def test_where_no_zone_lies_only_what_serves_everywhere_is_offered():
    methods = (METHOD, Method("far", "Far", "USD", 900, None, 1, 1, zone="far"))
    assert [o.code for o in offers(Terms(methods, None, Calendar(), Place("US")), worth(0), at(16))] == ["standard"]


def test_an_unknown_method_is_refused_with_the_possible_ones():
    made = [
        offer(METHOD, worth(0), at(16)),
        offer(Method("express", "Express", "USD", 900, None, 1, 1), worth(0), at(16)),
    ]
    assert choose(made, "express").price_minor == 900
    with pytest.raises(Invalid) as refusal:
        choose(made, "pigeon")
    assert refusal.value.errors == {"shipping_method": ["Not offered for this cart; possible: standard, express."]}
    with pytest.raises(Invalid, match="not valid") as refusal:
        choose([], "pigeon")
    assert refusal.value.errors == {"shipping_method": ["Nothing can be sent to this address."]}


# --- when it arrives ----------------------------------------------------------------------------------


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
    made = offer(METHOD, worth(0), moment)
    assert (made.deliver_from, made.deliver_to) == (earliest, latest)


@pytest.mark.parametrize(
    ("calendar", "packed"),
    [
        (Calendar(), date(2026, 11, 16)),
        (Calendar(handling_days=2), date(2026, 11, 18)),
        (Calendar(queue_days=3, handling_days=2), date(2026, 11, 23)),
        (Calendar(holidays=frozenset({date(2026, 11, 16), date(2026, 11, 17)})), date(2026, 11, 18)),
        (Calendar(timezone="Pacific/Auckland"), date(2026, 11, 17)),  # 22:00 there, after the cut-off
        (Calendar(working_days=frozenset({3})), date(2026, 11, 18)),
    ],
)
def test_handling_queue_holidays_and_the_shops_clock_move_the_packing(calendar, packed):
    moment = datetime(2026, 11, 16, 9, tzinfo=UTC)
    assert packed_on(calendar, moment) == packed


def test_the_day_is_the_one_on_the_shops_calendar():
    moment = datetime(2026, 11, 17, 3, tzinfo=UTC)  # Tuesday in London; in Los Angeles Monday, 19:00
    assert packed_on(Calendar(cut_off=time(20)), moment) == date(2026, 11, 17)
    assert packed_on(Calendar("America/Los_Angeles", time(20)), moment) == date(2026, 11, 16)


def test_a_repeated_hour_of_the_clock_does_not_undo_the_cut_off():
    # In Berlin 2:15 comes twice on 25 October 2026, at 0:15 and at 1:15 UTC.
    calendar = Calendar("Europe/Berlin", time(2, 30), working_days=frozenset(range(1, 8)))
    first, after, again = (datetime(2026, 10, 25, h, m, tzinfo=UTC) for h, m in ((0, 15), (0, 45), (1, 15)))
    assert packed_on(calendar, first) == date(2026, 10, 25)
    assert packed_on(calendar, after) == packed_on(calendar, again) == date(2026, 10, 26)


@MANY
@given(MOMENTS, st.integers(0, 20), st.integers(0, 20))
def test_windows_are_in_order_in_the_future_and_on_working_days(moment, first, more):
    made = offer(Method("x", "X", "USD", 0, None, first, first + more), worth(0), moment)
    assert moment.date() <= made.deliver_from <= made.deliver_to
    assert made.deliver_from.weekday() < 5
    assert made.deliver_to.weekday() < 5


@MANY
@given(
    CALENDARS,
    st.datetimes(datetime(2025, 12, 25), datetime(2026, 12, 31), timezones=st.just(UTC)),
    st.integers(0, 3 * 24 * 3600),
    st.integers(0, 5),
)
def test_who_orders_later_never_gets_it_earlier_and_nothing_arrives_on_a_day_off(calendar, moment, later, days):
    method = Method("x", "X", "USD", 0, None, days, days + 2)
    before = offer(method, worth(0), moment, calendar)
    after = offer(method, worth(0), moment + timedelta(seconds=later), calendar)
    assert before.deliver_from <= after.deliver_from
    assert before.deliver_to <= after.deliver_to
    for day in (before.deliver_from, before.deliver_to, after.deliver_from, after.deliver_to):
        assert calendar.works(day)


@MANY
@given(CALENDARS, st.dates(date(2025, 12, 1), date(2026, 12, 1)), st.integers(0, 30))
def test_adding_working_days_adds_that_many(calendar, start, days):
    end = add_working_days(start, days, calendar)
    between = [date.fromordinal(n) for n in range(start.toordinal() + 1, end.toordinal() + 1)]
    assert sum(1 for day in between if calendar.works(day)) == days


@pytest.mark.parametrize(
    ("waiting", "per_day", "days"),
    [(0, 10, 0), (9, 10, 0), (10, 10, 1), (35, 10, 3), (10**6, 10, MOST_QUEUE_DAYS), (10**6, None, 0)],
)
def test_orders_that_wait_move_the_window_by_whole_days_of_packing(waiting, per_day, days):
    assert queue_days(waiting, per_day) == days
