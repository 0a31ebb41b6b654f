"""Money: sharing loses nothing, rounding is half up, no float is ever needed."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickshop.kernel.money import Money, allocate, exponent, from_major, money, round_minor

WEIGHTS = st.lists(st.integers(0, 10**9), min_size=1, max_size=60)


@given(st.integers(0, 10**12), WEIGHTS)
def test_shares_sum_to_the_total_and_none_is_negative(total, weights):
    shares = allocate(total, weights)
    assert sum(shares) == total
    assert len(shares) == len(weights)
    assert min(shares) >= 0


@given(st.integers(0, 10**12), WEIGHTS.filter(any))
def test_no_share_is_a_whole_unit_away_from_its_exact_part(total, weights):
    whole = sum(weights)
    for share, weight in zip(allocate(total, weights), weights, strict=True):
        assert abs(share * whole - total * weight) < whole


@given(st.integers(0, 10**9), WEIGHTS.filter(any))
def test_a_weight_of_nothing_gets_nothing(total, weights):
    for share, weight in zip(allocate(total, [*weights, 0]), [*weights, 0], strict=True):
        assert weight or share == 0


@given(st.integers(0, 10**6), st.lists(st.integers(1, 10**6), min_size=1, max_size=20))
def test_a_discount_never_exceeds_the_line_it_falls_on(total, lines):
    total = min(total, sum(lines))
    assert all(share <= line for share, line in zip(allocate(total, lines), lines, strict=True))


@pytest.mark.parametrize(
    ("total", "weights", "shares"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (1, [0, 0], [1, 0]),
        (5, [0, 0, 0], [2, 2, 1]),
        (0, [3, 4], [0, 0]),
        (10, [], []),
        (999, [333, 333, 333], [333, 333, 333]),
        (-100, [1, 1, 1], [-33, -33, -34]),
    ],
)
def test_shares_by_example(total, weights, shares):
    assert allocate(total, weights) == shares


@pytest.mark.parametrize(
    ("value", "rounded"), [("0.5", 1), ("1.5", 2), ("2.5", 3), ("2.4999", 2), ("-0.5", -1), ("7", 7)]
)
def test_half_a_unit_is_rounded_up(value, rounded):
    assert round_minor(Decimal(value)) == rounded


@pytest.mark.parametrize(
    ("value", "currency", "minor"),
    [("19.99", "USD", 1999), ("2.955", "GBP", 296), ("500", "JPY", 500), ("1.2345", "KWD", 1235), ("0.005", "EUR", 1)],
)
def test_major_units_become_minor_ones_by_the_currencys_own_decimals(value, currency, minor):
    assert from_major(Decimal(value), currency) == minor


def test_money_has_one_form_for_clients():
    assert Money(1999, "USD").as_dict() == money(1999, "USD") == {"amount": 1999, "currency": "USD"}
    assert (exponent("USD"), exponent("JPY"), exponent("BHD")) == (2, 0, 3)
