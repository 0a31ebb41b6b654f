"""Which rates hold where, and that tax sums: by line, by rate, in any order, in every currency."""

import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quickshop.accounts.places import Place
from quickshop.kernel.errors import Invalid
from quickshop.tax.rules import Rate, charge, millionths_of, percent, rates_in, tax_lines

MANY = settings(max_examples=int(os.environ.get("PRICING_EXAMPLES", "100")), deadline=None)
RATES = st.lists(
    st.builds(Rate, st.just("XX"), st.just(""), st.text("abc", min_size=1, max_size=3), st.integers(0, 400_000)),
    max_size=3,
    unique_by=lambda r: r.name,
)
AMOUNTS = st.integers(0, 10**12)

GST = Rate("CA", "", "GST", 50_000)
HST = Rate("CA", "ON", "HST", 130_000, replaces=True)
QST = Rate("CA", "QC", "QST", 99_750)
STATE = Rate("US", "NY", "Sales tax", 40_000)
VAT = Rate("DE", "", "VAT", 190_000)
FOOD = Rate("DE", "", "VAT", 70_000, "reduced")
KNOWN = [GST, HST, QST, STATE, VAT, FOOD]


@pytest.mark.parametrize(
    ("place", "tax_class", "found"),
    [
        (Place("CA", "AB"), "standard", [GST]),
        (Place("CA", "ON"), "standard", [HST]),  # in place of the country's
        (Place("CA", "QC"), "standard", [GST, QST]),  # on top of it
        (Place("CA"), "standard", [GST]),
        (Place("US", "NY"), "standard", [STATE]),
        (Place("US", "OR"), "standard", []),
        (Place("US"), "standard", []),
        (Place("DE"), "standard", [VAT]),
        (Place("DE"), "reduced", [FOOD]),
        (Place("US", "NY"), "reduced", []),  # a class without a rate is not taxed
        (Place("BR"), "standard", []),
    ],
)
def test_a_place_has_its_countrys_rates_and_its_regions(place, tax_class, found):
    assert rates_in(KNOWN, place, tax_class) == found
    assert rates_in(KNOWN[::-1], place, tax_class) == found


@pytest.mark.parametrize(
    ("amount", "rates", "included", "minor"),
    [
        (10_000, [VAT], True, 1597),  # 1596.6…
        (10_000, [VAT], False, 1900),
        (119, [VAT], True, 19),
        (50, [Rate("XX", "", "x", 10_000)], False, 1),  # 0.5 goes up
        (49, [Rate("XX", "", "x", 10_000)], False, 0),
        (1_000, [Rate("US", "NY", "x", 88_750)], False, 89),  # 88.75
        (1_000, [], False, 0),
        (0, [VAT], True, 0),
    ],
)
def test_tax_is_rounded_half_up_to_a_minor_unit(amount, rates, included, minor):
    assert charge(amount, rates, included=included).minor == minor


@MANY
@given(AMOUNTS, RATES, st.booleans())
def test_rates_share_a_lines_tax_without_losing_a_unit(amount, rates, included):
    found = charge(amount, rates, included=included)
    assert sum(minor for _, minor in found.parts) == found.minor
    assert all(minor >= 0 for _, minor in found.parts)
    if included:
        assert found.minor <= amount
        # What was contained is what the net amount would have been charged, but for the rounding of one unit.
        assert abs(charge(amount - found.minor, rates, included=False).minor - found.minor) <= 1
    assert charge(amount, rates[::-1], included=included).minor == found.minor


@MANY
@given(st.lists(st.tuples(AMOUNTS, st.sampled_from(["standard", "reduced"])), max_size=12), st.booleans(), st.randoms())
def test_lines_and_rates_sum_to_the_same_in_any_order(amounts, included, chance: random.Random):
    place = Place("CA", "QC")
    rates = [*KNOWN, Rate("CA", "", "GST", 20_000, "reduced")]
    charged = [(amount, charge(amount, rates_in(rates, place, name), included=included)) for amount, name in amounts]
    by_rate = tax_lines(charged, included=included)
    assert sum(line.minor for line in by_rate) == sum(found.minor for _, found in charged)
    shuffled = list(charged)
    chance.shuffle(shuffled)
    assert tax_lines(shuffled, included=included) == by_rate


@pytest.mark.parametrize(("text", "millionths"), [("8.875", 88_750), ("20", 200_000), ("0", 0), ("100", 10**6)])
def test_rates_are_written_in_percent(text, millionths):
    assert millionths_of(text) == millionths
    assert percent(millionths) == text


@pytest.mark.parametrize("text", ["", "x", "-1", "100.1", "0.00001", "NaN", "Infinity", "1e9"])
def test_what_is_no_rate_is_refused(text):
    with pytest.raises(Invalid):
        millionths_of(text)
