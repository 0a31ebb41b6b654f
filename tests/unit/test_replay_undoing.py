"""Which purchases cancelling lines undo: the latest of the same customer and product first, and no unit twice."""

from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from quickshop.demo.replay.invoices import Purchase
from quickshop.demo.replay.reading import Line
from quickshop.demo.replay.undoing import NO_CUSTOMER, NO_SALE, match

START = datetime(2011, 3, 7, 9)


def bought(reference, hour, customer="ada", **units):
    return Purchase(reference, reference, START + timedelta(hours=hour), customer, "", units or {"A": 5})


def cancels(invoice, hour, customer="ada", **units):
    at = START + timedelta(hours=hour)
    return [Line(n, invoice, code, "", -n_units, at, Decimal(1), customer, "")
            for n, (code, n_units) in enumerate(units.items(), 2)]  # fmt: skip


def told(undos):
    return [(u.invoice, u.purchase.reference, dict(u.units), u.whole) for u in undos]


def test_all_of_an_order_at_once_cancels_it():
    undos, missed = match(cancels("C1", 2, A=5, B=2), [bought("1", 1, A=5, B=2)])
    assert (told(undos), missed) == ([("C1", "1", {"A": 5, "B": 2}, True)], [])


def test_a_part_and_then_the_rest_are_two_returns():
    undos, missed = match([*cancels("C2", 3, A=3), *cancels("C1", 2, A=2)], [bought("1", 1)])
    assert (told(undos), missed) == ([("C1", "1", {"A": 2}, False), ("C2", "1", {"A": 3}, False)], [])


def test_the_latest_sale_goes_first_and_what_it_lacks_comes_of_earlier_ones():
    undos, _ = match(cancels("C1", 9, A=7), [bought("1", 1), bought("2", 2), bought("3", 12)])
    assert sorted(told(undos)) == [("C1", "1", {"A": 2}, False), ("C1", "2", {"A": 5}, True)]


def test_what_undoes_nothing_says_why():
    lines = [*cancels("C1", 2, A=9), *cancels("C2", 2, B=1), *cancels("C3", 2, "", A=1), *cancels("C4", 0, A=1),
             *cancels("C5", 2, "bob", A=1)]  # fmt: skip
    undos, missed = match(lines, [bought("1", 1), bought("2", 1, None)])
    assert told(undos) == [("C1", "1", {"A": 5}, True)]
    assert [(m.line.invoice, m.units, m.why) for m in missed] == [
        ("C4", 1, NO_SALE),
        ("C1", 4, NO_SALE),
        ("C2", 1, NO_SALE),
        ("C3", 1, NO_CUSTOMER),
        ("C5", 1, NO_SALE),
    ]


things = st.dictionaries(st.sampled_from("ABC"), st.integers(1, 9), min_size=1)
people = st.sampled_from(["ada", "bob", ""])


@given(
    st.lists(st.tuples(st.integers(0, 9), people, things), max_size=8),
    st.lists(st.tuples(st.integers(0, 9), people, things), max_size=8),
)
def test_no_unit_is_undone_twice_or_forgotten(sales, cancellations):
    purchases = [bought(str(n), hour, who or None, **units) for n, (hour, who, units) in enumerate(sales)]
    lines = [
        line for n, (hour, who, units) in enumerate(cancellations) for line in cancels(f"C{n}", hour, who, **units)
    ]
    undos, missed = match(lines, purchases)
    undone = Counter()
    for undo in undos:
        assert undo.purchase.customer == undo.customer and undo.purchase.at <= undo.at
        for code, units in undo.units.items():
            undone[undo.purchase.reference, code] += units
    for purchase in purchases:
        assert all(undone[purchase.reference, code] <= units for code, units in purchase.units.items())
    total = sum(-line.quantity for line in lines)
    assert sum(undone.values()) + sum(m.units for m in missed) == total
