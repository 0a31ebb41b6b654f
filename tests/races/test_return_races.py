"""Returns under rivals: one unit asked back twice, money against money, one parcel taken in twice, cancel and leave."""

import pytest

from quickshop.kernel.errors import Invalid, ShopError
from quickshop.kernel.states import WrongState
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders import packing
from quickshop.orders.errors import NotCancellable, NotRefundable, NotShippable
from quickshop.orders.refunds import Given
from quickshop.orders.tracking import record
from quickshop.returns import cancellations
from quickshop.returns.errors import NotReturnable
from quickshop.shipping.carriers.port import Seen
from tests.factories.racing import together
from tests.factories.returns import (
    STAFF,
    a_delivered_order,
    a_received_return,
    approve,
    ask,
    ask_to_cancel,
    exchange,
    pack,
    progress_of,
    receive,
    reject,
    return_row,
    run_refunds,
    settle,
    withdraw,
)
from tests.factories.shop import a_confirmed_order, a_member, a_variant, log_of, look, refund, state_of, stock_of


def refusals(outcomes):
    """The kinds of refusal among what rivals got; anything else that was raised fails."""
    raised = [o for o in outcomes if isinstance(o, BaseException)]
    assert all(isinstance(error, ShopError) for error in raised), raised
    return [type(error) for error in raised]


def given_back(order):
    """(what the ledger says went back, what the payment says)."""
    row = look(
        "SELECT (SELECT coalesce(sum(amount_minor), 0)::int FROM refunds WHERE order_id = :id) AS ledger,"
        " (SELECT sum(refunded_minor)::int FROM payments WHERE order_id = :id) AS card",
        id=order.id,
    )[0]
    return row.ledger, row.card


def test_one_unit_is_asked_back_once(core, gateway):
    order = a_delivered_order({a_variant(stock=5): 2})
    outcomes = together(core, *[lambda: ask(order)] * 8)
    assert refusals(outcomes) == [NotReturnable] * 6
    row = progress_of(order)
    assert (row.announced, row.returned) == (2, 0)
    numbers = look("SELECT number FROM returns WHERE order_id = :id ORDER BY number", id=order.id)
    assert [r.number for r in numbers] == [1, 2]
    log_of(order)


def test_one_parcel_is_taken_in_once(core, gateway):
    mug = a_variant(stock=5)
    order = a_delivered_order({mug: 3})
    made = ask(order, 2)
    approve(made)
    outcomes = together(core, *[lambda: receive(made, 2)] * 6)
    assert refusals(outcomes) == [WrongState] * 5
    assert (stock_of(mug), progress_of(order).returned) == ((4, 0), 2)


def test_what_came_is_paid_back_once(core, gateway):
    order = a_delivered_order({a_variant(stock=5, price=1000): 1})
    made = a_received_return(order)
    outcomes = together(core, *[lambda: settle(made)] * 6)
    assert refusals(outcomes) == [WrongState] * 5
    run_refunds(order)
    assert (gateway.refunded(), given_back(order)) == (1000, (1000, 1000))


@pytest.mark.parametrize("round", range(4))
def test_a_return_against_the_whole_given_back_for_goodwill(core, gateway, round):
    """Both want the same money: whoever comes first has it, and no more goes back than was paid."""
    order = a_delivered_order({a_variant(stock=5, price=1000): 1})
    made = a_received_return(order)
    rivals = [lambda: settle(made), lambda: refund(order, order.total)]
    outcomes = together(core, *(rivals if round % 2 else reversed(rivals)))
    winner = [o for o in outcomes if isinstance(o, Given)]
    assert len(winner) == 1
    assert set(refusals(outcomes)) <= {NotRefundable, Invalid}
    run_refunds(order)
    assert given_back(order) == (winner[0].amount_minor,) * 2
    assert gateway.refunded() == winner[0].amount_minor
    assert return_row(made).state == ("refunded" if winner[0].amount_minor == 1000 else "received")


def test_money_or_another_one_but_not_both(core, gateway):
    mug = a_variant(stock=5, price=1000)
    order = a_delivered_order({mug: 1})
    made = a_received_return(order, resolution="exchange")
    outcomes = together(core, lambda: settle(made), lambda: exchange(made), lambda: exchange(made))
    assert refusals(outcomes) == [WrongState] * 2
    replaced = return_row(made).state == "exchanged"
    assert stock_of(mug) == (5, 1 if replaced else 0)
    assert given_back(order)[0] == (0 if replaced else 1000)
    assert look("SELECT count(*)::int AS n FROM orders")[0].n == (2 if replaced else 1)


@pytest.mark.parametrize("round", range(4))
def test_the_last_one_goes_to_an_exchange_or_to_a_buyer(core, gateway, round):
    """A returned unit is written off, one is left: it is promised once."""
    mug = a_variant(stock=2)
    order = a_delivered_order({mug: 1})
    made = ask(order, reason="faulty", resolution="exchange")
    approve(made)
    receive(made, 1, restocked=0)
    outcomes = together(core, lambda: exchange(made), lambda: a_confirmed_order(items={mug: 1}, caller=a_member()))
    assert len([o for o in outcomes if isinstance(o, BaseException)]) == 1
    assert sum(stock_of(mug)) == (2 if return_row(made).state == "exchanged" else 0)


def test_taking_back_a_wish_against_staff_who_answer_it(core, gateway):
    for answer in (approve, reject):
        order = a_delivered_order({a_variant(stock=5): 1})
        made = ask(order)
        together(core, lambda: withdraw(order), lambda: answer(made))  # noqa: B023
        state = return_row(made).state
        assert state in ("withdrawn", "rejected")
        assert progress_of(order).announced == 0
        log_of(order)


@pytest.mark.parametrize("round", range(4))
def test_a_wish_to_cancel_against_the_parcel_that_leaves(core, gateway, round):
    """Either it is cancelled whole, or it is on its way whole."""
    mug = a_variant(stock=5)
    order = pack(a_confirmed_order(items={mug: 2}))
    parcel = look("SELECT id FROM parcels WHERE order_id = :id", id=order.id)[0].id
    asked = ask_to_cancel(order)
    seen = Seen(f"left:{parcel}", str(parcel), "in_transit", look("SELECT now() AS now")[0].now)
    rivals = [
        lambda: run_unit(lambda: cancellations.grant(asked, None, None)),
        lambda: run_unit(lambda: record(parcel, seen)),
    ]
    outcomes = together(core, *(rivals if round % 2 else reversed(rivals)))
    assert set(refusals(outcomes)) <= {NotCancellable, NotShippable}
    run_refunds(order)
    if state_of(order)[0] == "cancelled":
        assert (stock_of(mug), gateway.refunded()) == ((5, 0), order.total)
    else:
        assert (state_of(order)[0], stock_of(mug), gateway.refunded()) == ("confirmed", (3, 0), 0)
        assert progress_of(order).shipped == 2
    log_of(order)


def test_asking_to_cancel_against_packing(core, gateway):
    """The order is cancelled at once, or packed with a wish that waits for staff."""
    for _ in range(4):
        order = a_confirmed_order(items={a_variant(stock=5): 1})
        outcomes = together(
            core,
            lambda: run_unit(lambda: cancellations.cancel(order.number, STAFF, None)),  # noqa: B023
            lambda: run_unit(lambda: packing.pack(order.number, None, None)),  # noqa: B023
        )
        assert set(refusals(outcomes)) <= {NotShippable}
        wishes = look("SELECT 1 FROM cancellation_requests WHERE order_id = :id", id=order.id)
        assert (state_of(order)[0], len(wishes)) in (("cancelled", 0), ("confirmed", 1))
