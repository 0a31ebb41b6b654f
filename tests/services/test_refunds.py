"""The ledger of refunds: by line, by amount, to the card, to credit; never more than was paid, and it always sums."""

import pytest

from quickshop.cart import codes
from quickshop.kernel.errors import Invalid
from quickshop.kernel.money import Money
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders import refunding, refunds
from quickshop.orders.errors import NotRefundable
from quickshop.promotions import crediting
from tests.factories.shop import (
    a_cart,
    a_confirmed_order,
    a_member,
    a_variant,
    cancel,
    look,
    order_cart,
    process_until_ended,
    refund,
    state_of,
)

pytestmark = pytest.mark.usefixtures("core", "gateway")


def by_line(order, lines, *, shipping=None, to="original"):
    freight = Money(shipping, "USD") if shipping else None
    return run_unit(lambda: refunding.refund(order.number, None, None, None, lines=lines, shipping=freight, to=to))


def ledger(order):
    return refunds.refunds_of(order.id)


def adds_up(order):
    """Every refund is the sum of its lines and its shipping, and of where it went; all of them what the guard says."""
    for r in ledger(order):
        parts = sum(line["amount"]["amount"] for line in r["lines"]) + r["shipping"]["amount"]
        places = r["card"]["amount"] + r["credit"]["amount"] + r["store_credit"]["amount"]
        assert parts == places == r["amount"]["amount"]
        assert sum(line["tax"]["amount"] for line in r["lines"]) <= r["tax"]["amount"]
    given = sum(r["amount"]["amount"] for r in ledger(order))
    (guard,) = look("SELECT given_minor FROM order_given_back WHERE order_id = :id", id=order.id)
    assert given == guard.given_minor
    return given


def test_units_go_back_at_what_was_paid_for_them(gateway):
    order = a_confirmed_order(items={a_variant(price=1000): 3})
    by_line(order, {1: 2})
    process_until_ended(order)
    assert gateway.refunded() == 2000
    by_line(order, {1: 1}, shipping=500)
    process_until_ended(order)
    assert state_of(order) == ("confirmed", "refunded")
    assert gateway.refunded() == order.total == adds_up(order) == 3500
    with pytest.raises(NotRefundable):
        by_line(order, {1: 1})


def test_more_units_than_were_bought_do_not_go_back():
    order = a_confirmed_order(items={a_variant(price=1000): 2})
    by_line(order, {1: 1})
    for lines in ({1: 2}, {2: 1}):
        with pytest.raises(Invalid):
            by_line(order, lines)
    assert adds_up(order) == 1000


def test_an_amount_is_shared_over_what_is_left_and_the_rest_goes_with_the_cancellation(gateway):
    order = a_confirmed_order(items={a_variant(price=1000): 1, a_variant(price=333): 2})
    refund(order, 777)
    process_until_ended(order)
    cancel(order)
    process_until_ended(order)
    assert state_of(order) == ("cancelled", "refunded")
    assert gateway.refunded() == order.total == adds_up(order)
    assert [r["cause"] for r in ledger(order)] == ["goodwill", "cancellation"]
    assert sum(line["quantity"] for r in ledger(order) for line in r["lines"]) == 3


def with_credit(amount, price=1000):
    """A member's confirmed order of which store credit paid a part."""
    caller = a_member()
    run_unit(lambda: crediting.correct(caller.user_id, Money(amount, "USD")))
    cart = a_cart({a_variant(price=price): 1}, caller)
    run_unit(lambda: codes.use_credit(cart, True))
    order = order_cart(cart, caller)
    process_until_ended(order)
    return caller, order


def balance(caller):
    balances = crediting.credit_of(caller.user_id)["balances"]
    return balances[0]["balance"]["amount"] if balances else 0


def test_the_card_gets_its_money_back_before_credit_does(gateway):
    caller, order = with_credit(600)
    assert (gateway.captured(), balance(caller)) == (900, 0)
    refund(order, 1000)
    process_until_ended(order)
    assert (gateway.refunded(), balance(caller)) == (900, 100)
    cancel(order)
    assert state_of(order)[0] == "cancelled"
    assert (gateway.refunded(), balance(caller)) == (900, 600)
    assert adds_up(order) == order.total


def test_an_order_that_credit_paid_alone_says_what_went_back():
    caller, order = with_credit(5000)
    refund(order, 1000)
    assert state_of(order) == ("confirmed", "partially_refunded")
    refund(order, 500)
    assert state_of(order) == ("confirmed", "refunded")
    assert balance(caller) == 5000


def test_store_credit_instead_of_the_card_counts_against_what_was_paid(gateway):
    caller, order = with_credit(600)
    by_line(order, {1: 1}, to="store_credit")
    assert (gateway.refunded(), balance(caller)) == (0, 1000)
    with pytest.raises(NotRefundable) as refused:
        refund(order, 501)
    assert refused.value.extra["left"] == {"amount": 500, "currency": "USD"}
    cancel(order)
    process_until_ended(order)
    assert adds_up(order) == order.total
    assert (gateway.refunded(), balance(caller)) == (500, 1000)


def test_what_a_member_has_spent_counts_each_refund_once():
    caller, order = with_credit(600)

    def spent():
        return look("SELECT spent_minor, order_count FROM users WHERE id = :id", id=caller.user_id)[0]

    assert tuple(spent()) == (1500, 1)
    refund(order, 1000)
    process_until_ended(order)
    assert tuple(spent()) == (500, 1)
    cancel(order)
    process_until_ended(order)
    assert tuple(spent()) == (0, 0)


def test_a_guest_has_no_account_for_store_credit():
    order = a_confirmed_order()
    with pytest.raises(Invalid):
        by_line(order, {1: 1}, to="store_credit")
    assert ledger(order) == []
