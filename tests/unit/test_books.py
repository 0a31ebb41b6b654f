"""What differs between a provider's charge, our payment and its order."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickshop.kernel.ids import new_id
from quickshop.orders.books import Ours, compare, order_differs
from quickshop.payments.gateways.port import AnswerState as S
from quickshop.payments.gateways.port import Charge

CHARGE = Charge("ch_1", "key", "QS-1", S.CAPTURED, 1500, "USD", 1500, 0, datetime(2026, 1, 1, tzinfo=UTC))
OURS = Ours("key", new_id(), 1, "ch_1", CHARGE.made_at, "confirmed", "captured", True, True, "USD", 1500, 1500, 0, 0)


def kinds(charge, ours):
    return [d.kind for d in compare(charge, ours)]


def test_equal_books_have_no_difference():
    assert kinds(CHARGE, OURS) == []


@pytest.mark.parametrize(
    ("charge", "ours", "kind"),
    [
        ({"amount_minor": 1501}, {}, "amount_differs"),
        ({"currency": "EUR"}, {}, "amount_differs"),
        ({"captured_minor": 0}, {}, "captured_differs"),
        ({}, {"captured_minor": 0}, "captured_differs"),
        ({"refunded_minor": 100}, {}, "refunded_differs"),
        ({}, {"refunded_minor": 100}, "refunded_differs"),
    ],
)
def test_each_amount_is_compared(charge, ours, kind):
    assert kinds(replace(CHARGE, **charge), replace(OURS, **ours)) == [kind]


def test_a_refund_on_its_way_may_have_arrived_or_not():
    asked = replace(OURS, refunding_minor=100)
    assert kinds(CHARGE, asked) == kinds(replace(CHARGE, refunded_minor=100), asked) == []
    assert kinds(replace(CHARGE, refunded_minor=101), asked) == ["refunded_differs"]


@pytest.mark.parametrize("state", [S.AUTHORIZED, S.REQUIRES_ACTION, S.PENDING])
@pytest.mark.parametrize(
    ("status", "current", "found"),
    [
        ("processing", True, []),
        ("on_hold", True, []),
        ("processing", False, ["still_reserved"]),
        ("payment_failed", True, ["still_reserved"]),
        ("cancelled", True, ["still_reserved"]),
        ("confirmed", False, ["still_reserved"]),
    ],
)
def test_money_is_reserved_for_orders_that_wait_for_it_alone(state, status, current, found):
    charge = replace(CHARGE, state=state, captured_minor=0)
    assert kinds(charge, replace(OURS, status=status, current=current, captured_minor=0)) == found


def test_charges_without_payments_and_payments_without_charges():
    assert kinds(CHARGE, None) == ["unknown_charge"]
    assert kinds(replace(CHARGE, state=S.AUTHORIZED, captured_minor=0), None) == ["unknown_charge"]
    assert kinds(replace(CHARGE, state=S.DECLINED, captured_minor=0), None) == []
    assert kinds(replace(CHARGE, refunded_minor=1500), None) == []
    assert kinds(None, OURS) == ["missing_charge"]
    assert kinds(None, replace(OURS, captured_minor=0)) == []


def test_what_is_under_way_is_no_difference():
    assert kinds(replace(CHARGE, captured_minor=0), replace(OURS, settled=False)) == []
    assert kinds(None, replace(OURS, settled=False)) == []


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_an_order_that_says_what_its_payments_say_adds_up(due, back):
    back = min(due, back)
    status = "captured" if not back else "refunded" if back == due else "partially_refunded"
    assert order_differs(status, due_minor=due, captured_minor=due, refunded_minor=back) is None


@pytest.mark.parametrize(
    ("status", "captured", "refunded"),
    [
        ("captured", 0, 0),
        ("captured", 1499, 0),
        ("captured", 1500, 1),
        ("refunded", 1500, 1499),
        ("partially_refunded", 1500, 0),
        ("voided", 1500, 0),
        ("pending", 1, 0),
    ],
)
def test_an_order_that_says_otherwise_differs(status, captured, refunded):
    assert order_differs(status, due_minor=1500, captured_minor=captured, refunded_minor=refunded)
