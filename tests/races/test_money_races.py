"""Money under rivals: cancel against capture, webhook against browser, refunds against each other and a cancel."""

import pytest

from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders import paying, processing
from quickshop.orders.errors import NotRefundable
from quickshop.orders.refunds import Given
from quickshop.orders.viewers import Viewer
from quickshop.payments.gateways.port import AnswerState
from tests.factories.racing import Beside, Gate, together, until_blocked
from tests.factories.shop import (
    a_confirmed_order,
    a_declined_order,
    a_variant,
    an_order,
    cancel,
    come_due,
    let_lease_run_out,
    log_of,
    look,
    pay_again,
    process_until_ended,
    refund,
    state_of,
    stock_of,
)


def agree(order, mug, gateway, stock=5, units=1):
    """Whichever way it went, the order, the provider's money, our money and the stock say the same."""
    status, payment = state_of(order)
    net = gateway.captured() - gateway.refunded()
    (ours,) = look(
        "SELECT coalesce(sum(captured_minor - refunded_minor), 0)::bigint AS net,"
        " coalesce(sum(refunding_minor), 0)::bigint AS open FROM payments WHERE order_id = :id",
        id=order.id,
    )
    assert (gateway.reserved(), ours.net, ours.open) == (0, net, 0)
    if status == "cancelled":
        assert payment in ("voided", "refunded")
        assert (net, stock_of(mug)) == (0, (stock, 0))
    else:
        assert (status, payment) == ("confirmed", "captured")
        assert (net, stock_of(mug)) == (order.total, (stock - units, 0))
    assert look("SELECT 1 FROM payment_breaks WHERE state = 'open'") == []
    log_of(order)


@pytest.mark.parametrize("round", range(8))
def test_cancel_against_everything_a_worker_does(core, gateway, round):
    mug = a_variant(stock=5)
    order = an_order({mug: 1})
    work = [lambda: processing.process(order.id), lambda: cancel(order)]
    together(core, *(work if round % 2 else reversed(work)))
    come_due(order)
    process_until_ended(order)
    agree(order, mug, gateway)
    assert state_of(order)[0] == "cancelled"


@pytest.mark.parametrize("verb", ["authorize", "capture"])
def test_cancel_while_a_worker_stands_in_a_call(core, gateway, verb):
    mug = a_variant(stock=5)
    order = an_order({mug: 1})
    gate = Gate()
    gateway.before = lambda called: gate.passing() if called == verb else None
    worker = Beside(core, lambda: processing.process(order.id))
    gate.reached()
    cancel(order)
    assert stock_of(mug) == (5, 0)
    gate.open()
    worker.result()
    come_due(order)
    process_until_ended(order)
    agree(order, mug, gateway)


def test_a_worker_that_froze_before_its_capture_takes_nothing_from_a_cancelled_order(core, gateway):
    """It wakes when the money has long been let go: the provider refuses, and nothing of ours changes."""
    mug = a_variant(stock=5)
    order = an_order({mug: 1})
    gate = Gate()
    gateway.before = lambda called: gate.passing() if called == "capture" else None
    frozen = Beside(core, lambda: processing.process(order.id))
    gate.reached()
    cancel(order)
    gateway.before = lambda called: None
    process_until_ended(order)
    assert state_of(order) == ("cancelled", "voided")
    gate.open()
    frozen.result()
    agree(order, mug, gateway)


def test_ten_who_cancel_at_once_cancel_once(core, gateway):
    mug = a_variant(stock=5)
    order = a_confirmed_order(items={mug: 1})
    assert together(core, *[lambda: cancel(order)] * 10) == [order.id] * 10
    process_until_ended(order)
    agree(order, mug, gateway)
    assert log_of(order).count("order.cancelled") == 1
    assert gateway.made("refund") == 1


def test_cancel_against_paying_again(core, gateway):
    for _ in range(4):
        mug = a_variant(stock=5)
        order = a_declined_order(items={mug: 1})
        together(core, lambda: pay_again(order), lambda: cancel(order))  # noqa: B023
        come_due(order)
        process_until_ended(order)
        assert state_of(order) == ("cancelled", "voided")
        assert (stock_of(mug), gateway.reserved(), gateway.captured()) == ((5, 0), 0, 0)


def test_ten_refunds_at_once_give_back_no_more_than_was_taken(core, gateway):
    order = a_confirmed_order(items={a_variant(price=1000): 1})  # 1500
    outcomes = together(core, *[lambda: refund(order, 400)] * 10)
    assert sum(isinstance(o, Given) for o in outcomes) == 3
    assert {type(o) for o in outcomes if not isinstance(o, Given)} == {NotRefundable}
    process_until_ended(order)
    assert gateway.refunded() == 1200
    assert state_of(order) == ("confirmed", "partially_refunded")


def test_a_refund_against_a_cancellation_gives_everything_back_once(core, gateway):
    for _ in range(4):
        order = a_confirmed_order(items={a_variant(price=1000): 1})
        together(core, lambda: refund(order, 400), lambda: cancel(order))  # noqa: B023
        together(core, *[lambda: processing.process(order.id)] * 3)  # noqa: B023
        come_due(order)
        process_until_ended(order)
        assert state_of(order) == ("cancelled", "refunded")
    assert gateway.refunded() == gateway.captured()


def test_refunds_made_by_ten_at_once_are_made_once(core, gateway):
    order = a_confirmed_order()
    refund(order, 100)
    refund(order, 200)
    together(core, *[lambda: processing.process(order.id)] * 10)
    assert gateway.made("refund") == 2
    assert gateway.refunded() == 300


def test_a_worker_that_froze_in_a_refund_is_followed_by_one_that_makes_it_once(core, gateway):
    order = a_confirmed_order()
    refund(order, 100)
    gate = Gate()
    gateway.before = gate.passing
    frozen = Beside(core, lambda: processing.process(order.id))
    gate.reached()
    gateway.before = lambda verb: None
    let_lease_run_out(order)
    processing.process(order.id)
    gate.open()
    frozen.result()
    assert (gateway.made("refund"), gateway.refunded()) == (2, 100)  # the same key twice
    assert log_of(order).count("order.refunded") == 1


def test_webhook_against_browser_charges_once(core, gateway):
    """The bank's answer comes as a webhook while the shopper's browser is back already."""
    mug = a_variant(stock=5)
    order = an_order({mug: 1}, token="tok_challenge")
    processing.process(order.id)
    gateway.settle(AnswerState.AUTHORIZED)
    back = lambda: run_unit(lambda: paying.confirm(order.number, Viewer(staff=True)))  # noqa: E731
    told = lambda: run_unit(lambda: processing.wake(order.id))  # noqa: E731
    work = lambda: processing.process(order.id)  # noqa: E731
    together(core, *[back, told, work] * 4)
    process_until_ended(order)
    agree(order, mug, gateway)
    assert gateway.made("capture") == 1
    assert log_of(order).count("order.confirmed") == 1


def test_whoever_cancels_waits_for_a_worker_that_writes(core, gateway, servers):
    """The cancellation sees what the worker wrote, not what stood there before: no money is left behind."""
    mug = a_variant(stock=5)
    order = an_order({mug: 1})
    gate, original = Gate(), processing.payments.begin

    def slow(*args):
        made = original(*args)
        gate.passing()
        return made

    processing.payments.begin = slow
    try:
        worker = Beside(core, lambda: processing.process(order.id))
        gate.reached()
        canceller = Beside(core, lambda: cancel(order))
        until_blocked(servers)
        gate.open()
    finally:
        processing.payments.begin = original
    worker.result(), canceller.result()
    come_due(order)
    process_until_ended(order)
    agree(order, mug, gateway)
