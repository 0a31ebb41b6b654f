"""Shares of what goes back: whatever the steps, they sum to what was paid, and so does the tax in them."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickshop.kernel.errors import Invalid
from quickshop.orders.giving_back import Freight, Paid, by_position, of_all, of_units, sources, spread, tax_of

IDS = [UUID(int=n) for n in range(1, 6)]


@st.composite
def lines(draw):
    """Some lines of which nothing went back yet."""
    found = []
    for line_id in IDS[: draw(st.integers(1, 5))]:
        paid = draw(st.integers(0, 10**7))
        found.append(Paid(line_id, draw(st.integers(1, 40)), paid, 0, draw(st.integers(0, paid)), 0))
    return found


freights = st.integers(0, 10**5).flatmap(
    lambda paid: st.builds(Freight, st.just(paid), st.just(0), st.integers(0, paid))
)


def after(line, share):
    return Paid(
        line.id,
        line.ordered,
        line.paid_minor,
        line.given_back_minor + share.amount_minor,
        line.tax_minor,
        line.refunded_units + share.quantity,
    )


@given(lines(), st.data())
def test_the_units_of_a_line_are_worth_what_was_paid_in_whatever_steps_they_come(found, data):
    line, amount, tax = found[0], 0, 0
    while line.refunded_units < line.ordered:
        share = of_units(line, data.draw(st.integers(1, line.ordered - line.refunded_units)))
        assert (share.amount_minor >= 0 and 0 <= share.tax_minor <= share.amount_minor) or line.paid_minor == 0
        line, amount, tax = after(line, share), amount + share.amount_minor, tax + share.tax_minor
    assert (amount, tax) == (line.paid_minor, line.tax_minor if line.paid_minor else 0)
    with pytest.raises(Invalid):
        of_units(line, 1)


@given(lines(), freights, st.data())
def test_an_amount_for_nothing_in_particular_is_spread_without_losing_a_unit(found, freight, data):
    total = sum(line.paid_minor for line in found) + freight.paid_minor
    first = data.draw(st.integers(0, total))
    shares, shipping = spread(found, freight, first)
    assert sum(s.amount_minor for s in shares) + shipping == first
    assert all(s.quantity == 0 for s in shares)
    by_line = {s.line_id: s for s in shares}
    left = [after(line, by_line[line.id]) if line.id in by_line else line for line in found]
    freight = Freight(freight.paid_minor, shipping, freight.tax_minor)
    rest, rest_of_shipping = of_all(left, freight)
    assert sum(s.amount_minor for s in rest) + rest_of_shipping == total - first
    assert sum(s.quantity for s in rest) == sum(line.ordered for line in found)
    taxes = sum(line.tax_minor for line in found if line.paid_minor)
    of_shipping = tax_of([], Freight(freight.paid_minor, 0, freight.tax_minor), freight.paid_minor)
    first_tax = tax_of(shares, Freight(freight.paid_minor, 0, freight.tax_minor), shipping)
    assert first_tax + tax_of(rest, freight, rest_of_shipping) == taxes + of_shipping


@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(0, 1000))
def test_the_card_gets_its_money_first(amount, card, credit):
    to_card, to_credit = sources(amount, card_left_minor=card, credit_left_minor=credit)
    assert to_card == min(amount, card)
    assert to_card + to_credit == min(amount, card + credit)


def test_lines_are_named_by_their_place():
    assert by_position({2: 3}, {1: IDS[0], 2: IDS[1]}) == {IDS[1]: 3}
    with pytest.raises(Invalid):
        by_position({3: 1}, {1: IDS[0]})
