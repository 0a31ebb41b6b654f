"""The comparison of the file with the shop and the gateway finds every kind of difference, and no other."""

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickshop.demo.replay.invoices import Purchase
from quickshop.demo.replay.latency import percentile, speed
from quickshop.demo.replay.reconcile import Back, Charge, Expected, GivenBack, ShopOrder, Sums, reconcile
from quickshop.demo.replay.state import Bought
from quickshop.demo.replay.undoing import Undo

PRICES = {"A": 100, "B": 250}


def expected(reference="1", day=7, **units):
    units = units or {"A": 2, "B": 1}
    purchase = Purchase(reference, reference, datetime(2011, 3, day), None, "", units)
    return Expected(purchase, f"{reference}@guest.example", sum(n * PRICES[code] for code, n in units.items()))


def bought(wish, **changes):
    order = ShopOrder(
        number=f"QS-{wish.purchase.reference}",
        reference=wish.purchase.reference,
        email=wish.email,
        status="confirmed",
        payment_status="captured",
        priority="standard",
        units=wish.purchase.units,
        subtotal=wish.worth,
        shipping=495,
        total=wish.worth + 495,
        placed_at="2026-01-01T10:00:00.000Z",
        confirmed_at="2026-01-01T10:00:00.250Z",
    )
    return replace(order, **changes)


def paid(order, /, **changes):
    return replace(Charge(order.number, "captured", order.total, order.total, 0), **changes)


def test_no_difference():
    wishes = [expected("1"), expected("2", day=8, A=5)]
    orders = [bought(w) for w in wishes]
    found = reconcile(wishes, orders, [paid(o) for o in orders])
    assert found.differences == []
    assert {day.day: pair.shop for day, pair in found.days.items()} == {7: Sums(1, 3, 450), 8: Sums(1, 5, 500)}
    assert found.products["A"].file == Sums(2, 7)
    assert (found.money.file, found.money.paid, found.money.captured) == (950, 1940, 1940)


def test_others_orders_and_charges_do_not_count():
    wish = expected()
    order = bought(wish)
    foreign = bought(wish, number="QS-9", email="somebody@else.example", units={"A": 900})
    charges = [paid(order), Charge("QS-9", "captured", 5, 5, 0)]
    assert reconcile([wish], [order, foreign], charges).differences == []


def test_without_a_ledger_money_is_not_compared_with_it():
    wish = expected()
    found = reconcile([wish], [bought(wish)], None)
    assert (found.differences, found.money.captured) == ([], None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"units": {"A": 3, "B": 1}}, "other units"),
        ({"units": {"A": 2}}, "other units"),
        ({"subtotal": 451, "total": 946}, "catalogue price"),
        ({"total": 944}, "parts sum"),
        ({"status": "on_hold"}, "ended as on_hold"),
        ({"payment_status": "failed"}, "ended as confirmed, failed"),
    ],
)
def test_an_order_unlike_the_file_is_a_difference(change, words):
    wish = expected()
    order = bought(wish, **change)
    assert any(words in line for line in reconcile([wish], [order], [paid(order)]).differences)


def test_a_missing_order_and_one_bought_twice_are_differences():
    wish = expected()
    assert "1 was bought 0 times" in reconcile([wish], [], []).differences
    twice = [bought(wish), bought(wish, number="QS-2")]
    found = reconcile([wish], twice, [paid(o) for o in twice])
    assert "1 was bought 2 times" in found.differences
    assert not found.products["A"].equal


@pytest.mark.parametrize(
    "change",
    [{"captured": 944}, {"refunded": 1}, {"state": "authorized", "captured": 0}, {"order": "QS-other"}],
)
def test_money_the_gateway_has_otherwise_is_a_difference(change):
    wish = expected()
    order = bought(wish)
    assert reconcile([wish], [order], [paid(order, **change)]).differences


def test_a_second_charge_is_a_difference():
    wish = expected()
    order = bought(wish)
    assert reconcile([wish], [order], [paid(order), paid(order)]).differences
    left_behind = paid(order, state="authorized", captured=0)
    assert any("still holds" in line for line in reconcile([wish], [order], [paid(order), left_behind]).differences)


UNITS = st.dictionaries(st.sampled_from("AB"), st.integers(1, 9), min_size=1)


@given(st.lists(UNITS, min_size=1, max_size=6), st.data())
def test_any_one_change_of_units_is_found_and_none_is_invented(all_units, data):
    wishes = [expected(str(i), day=1 + i % 3, **units) for i, units in enumerate(all_units)]
    orders = [bought(w) for w in wishes]
    charges = [paid(o) for o in orders]
    assert reconcile(wishes, orders, charges).differences == []
    place = data.draw(st.integers(0, len(orders) - 1))
    other = data.draw(UNITS.filter(lambda units: units != all_units[place]))
    orders[place] = bought(wishes[place], units=other)
    assert reconcile(wishes, orders, charges).differences


# --- how fast ------------------------------------------------------------------------------------------


def test_waits_are_counted_from_the_post_where_the_clock_is_the_same():
    order = bought(expected())
    began = datetime.fromisoformat(order.placed_at).timestamp() - 0.1
    figures = speed([Bought("1", order.number, began)], [order], same_clock=True)
    assert (figures.orders, figures.from_post) == (1, True)
    assert figures.p50 == pytest.approx(0.35, abs=0.001)
    other = speed([Bought("1", order.number, began)], [order], same_clock=False)
    assert other.p95 == pytest.approx(0.25, abs=0.001)


def test_nothing_bought_has_no_figures():
    assert speed([], [], same_clock=True) is None


@pytest.mark.parametrize(("share", "value"), [(0.5, 5), (0.95, 10), (0.01, 1), (1.0, 10)])
def test_percentiles_are_values_that_occurred(share, value):
    assert percentile(list(range(1, 11)), share) == value


# --- what was taken back -------------------------------------------------------------------------------


def undone(wish, whole=False, day=9, **units):
    """The same purchase with an invoice that undoes these units of it."""
    purchase = replace(wish.purchase, customer="ada")
    undo = Undo(f"C9 of {purchase.reference}", "C9", datetime(2011, 3, day), "ada", purchase, units, whole)
    back = Back(undo, sum(n * PRICES[code] for code, n in units.items()))
    return replace(wish, purchase=purchase, backs=[*wish.backs, back])


def given_back(order, wish):
    """The order after its undos were made as they should be."""
    backs = [
        GivenBack(
            b.undo.units, b.worth + (order.shipping if b.undo.whole else 0), order.shipping if b.undo.whole else 0
        )
        for b in wish.backs
    ]
    amount = sum(b.amount for b in backs)
    ends = ("cancelled", "refunded") if wish.cancelled else ("completed", "partially_refunded")
    papers = {"invoiced": order.total, "credited": amount}
    return replace(order, status=ends[0], payment_status=ends[1], refunds=backs, **papers)


def charged(order):
    return paid(order, refunded=order.given_back)


def test_what_is_taken_back_counts_against_its_product_customer_and_day():
    wishes = [undone(expected("1"), A=1), undone(expected("2"), whole=True, day=8, A=2, B=1)]
    orders = [given_back(bought(w), w) for w in wishes]
    found = reconcile(wishes, orders, [charged(o) for o in orders])
    assert found.differences == []
    assert {day.day: pair.shop for day, pair in found.days.items()} == {
        7: Sums(2, 6, 900),
        8: Sums(0, -3, -450),
        9: Sums(0, -1, -100),
    }
    assert found.customers["ada"].file == Sums(2, 2, 350)
    assert found.products["A"].file == Sums(2, 1)
    assert (found.money.file, found.money.paid, found.money.captured) == (350, 845, 845)
    assert found.money.invoiced == found.money.paid


@pytest.mark.parametrize(
    "changes",
    [
        {"refunds": []},
        {"refunds": [GivenBack({"A": 2}, 100, 0)]},
        {"refunds": [GivenBack({"A": 1}, 99, 0)]},
        {"refunds": [GivenBack({"A": 1}, 595, 495)]},
        {"refunds": [GivenBack({"A": 1}, 100, 0), GivenBack({"A": 1}, 100, 0)]},
        {"status": "confirmed"},
        {"payment_status": "captured"},
        {"invoiced": 1},
        {"credited": 0},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_an_undo_that_was_made_otherwise_is_seen(changes):
    wish = undone(expected(), A=1)
    order = given_back(bought(wish), wish)
    ledger = [charged(order)]
    assert reconcile([wish], [order], ledger).differences == []
    assert reconcile([wish], [replace(order, **changes)], ledger).differences
