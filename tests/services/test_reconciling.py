"""The books compared: what adds up stays quiet, each kind of break stands once, and what can be mended is."""

from dataclasses import replace

import pytest

from quickshop.factory import create_app
from quickshop.kernel import db
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders import processing, reconciling
from quickshop.payments.gateways.port import Answer, AnswerState, unknown
from quickshop.payments.rules import KEYS_LAST_SECONDS
from tests.factories.shop import (
    a_confirmed_order,
    a_declined_order,
    an_order,
    cancel,
    come_due,
    everything,
    grow_older,
    let_pass,
    look,
    pay_again,
    process_until_ended,
    refund,
    state_of,
)

pytestmark = pytest.mark.usefixtures("core", "gateway")
WHILE_SECONDS = 180


@pytest.fixture(scope="module", autouse=True)
def worker(settings):
    """The books are compared by a worker, which may do no more than its work needs."""
    global _worker
    _worker = create_app(role="worker", settings=settings)


def reconcile(later=0):
    """Compare; `later` seconds than we compared before."""
    earlier = "UPDATE payment_books SET checked_until = checked_until - make_interval(secs => :s)"
    with _worker.app_context():
        run_unit(lambda: db.run(earlier, s=later))
        reconciling.reconcile()


def breaks():
    return look("SELECT kind, state, closed_by, expected_minor, found_minor FROM payment_breaks ORDER BY opened_at")


def compare(gateway, seconds=WHILE_SECONDS):
    """Let a while pass, then compare as every five minutes; what stands open afterwards."""
    let_pass(gateway, seconds)
    reconcile(seconds)
    return [b.kind for b in breaks() if b.state == "open"]


def of(gateway, order):
    return gateway.charges_of(order)[-1]


def change(gateway, order, **changes):
    gateway.charges[of(gateway, order).key] = replace(of(gateway, order), **changes)


def test_a_day_of_every_ending_adds_up(gateway):
    a_confirmed_order()
    pay_again(a_declined_order())
    cancelled = a_confirmed_order()
    cancel(cancelled)
    refund(kept := a_confirmed_order(), 300)
    waiting = an_order(token="tok_late")
    processing.process(waiting.id)
    for order in look("SELECT id, number FROM orders"):
        come_due(order)
        processing.process(order.id)
    assert compare(gateway) == []
    assert breaks() == []
    assert state_of(kept) == ("confirmed", "partially_refunded")
    let_pass(gateway, 24 * 3600)
    reconcile()
    assert breaks() == []


def test_what_is_under_way_is_left_alone(gateway):
    order = an_order(token="tok_challenge")
    processing.process(order.id)
    assert compare(gateway) == []
    assert gateway.made("void") == 0


@pytest.mark.parametrize(
    ("changes", "kind", "expected", "found"),
    [
        ({"captured": 0, "state": AnswerState.VOIDED}, "captured_differs", 1500, 0),
        ({"captured": 1400}, "captured_differs", 1500, 1400),
        ({"refunded": 200, "state": AnswerState.REFUNDED}, "refunded_differs", 0, 200),
        ({"amount": 1600}, "amount_differs", 1500, 1600),
    ],
)
def test_each_difference_is_one_row_that_closes_when_it_is_gone(gateway, changes, kind, expected, found):
    order = a_confirmed_order()
    right = of(gateway, order)
    change(gateway, order, **changes)
    for _ in range(3):
        assert compare(gateway, 300) == [kind]
    assert [(b.kind, b.expected_minor, b.found_minor) for b in breaks()] == [(kind, expected, found)]
    gateway.charges[right.key] = replace(right, made_at=of(gateway, order).made_at)
    assert compare(gateway, 60) == []
    assert [(b.state, b.closed_by) for b in breaks()] == [("closed", "itself")]


def test_a_charge_that_nobody_knows_of_is_a_break(gateway):
    order = a_confirmed_order()
    stray = replace(of(gateway, order), key="elsewhere", ref="ch_stray", order="QS-0")
    gateway.charges["elsewhere"] = stray
    assert compare(gateway) == ["unknown_charge"]


def test_a_payment_that_the_provider_never_heard_of_is_a_break(gateway):
    a_confirmed_order()
    gateway.charges.clear()
    assert compare(gateway) == ["missing_charge"]


def test_an_order_that_says_it_is_paid_with_no_payment_is_a_break(gateway):
    order = a_confirmed_order()
    run_unit(lambda: db.run("UPDATE payments SET captured_minor = 0"))
    change(gateway, order, captured=0, state=AnswerState.VOIDED)
    assert compare(gateway) == ["order_differs"]


# --- mended without a person ---------------------------------------------------------------------------


def test_money_reserved_for_an_order_that_failed_is_let_go(gateway):
    """The charge was taken for lost after three look-ups, and turned up afterwards."""
    order = an_order(token="tok_timeout_charged")
    gateway.queue("look_up", *[Answer(AnswerState.NOT_FOUND)] * 3)
    process_until_ended(order)
    assert state_of(order) == ("payment_failed", "failed")
    assert gateway.reserved() == order.total
    assert compare(gateway) == []
    assert gateway.reserved() == 0
    assert [(b.kind, b.state, b.closed_by) for b in breaks()] == [("still_reserved", "closed", "itself")]


def test_a_reservation_that_cannot_be_let_go_stands_open_until_it_can(gateway):
    order = an_order(token="tok_timeout_charged")
    gateway.queue("look_up", *[Answer(AnswerState.NOT_FOUND)] * 3)
    process_until_ended(order)
    gateway.queue("void", unknown("timeout"), unknown("timeout"))
    assert compare(gateway) == ["still_reserved"]
    assert compare(gateway, 300) == ["still_reserved"]
    assert compare(gateway, 300) == []
    assert gateway.reserved() == 0


def test_an_earlier_round_that_turned_up_is_let_go_and_the_paid_one_stays(gateway):
    order = an_order(token="tok_timeout_charged")
    gateway.queue("look_up", *[Answer(AnswerState.NOT_FOUND)] * 3)
    process_until_ended(order)
    pay_again(order)
    process_until_ended(order)
    assert compare(gateway) == []
    assert (gateway.reserved(), gateway.captured()) == (0, order.total)
    assert state_of(order) == ("confirmed", "captured")


def test_a_cancelled_order_whose_money_was_taken_after_all_goes_back(gateway):
    order = an_order(token="tok_late")
    processing.process(order.id)
    cancel(order)
    gateway.queue("look_up", *[Answer(AnswerState.NOT_FOUND)] * 3)
    process_until_ended(order)
    assert state_of(order) == ("cancelled", "voided")
    change(gateway, order, state=AnswerState.CAPTURED, captured=order.total)
    compare(gateway)
    process_until_ended(order)
    assert gateway.refunded() == order.total
    assert compare(gateway, 300) == []
    assert state_of(order) == ("cancelled", "voided")


@pytest.mark.parametrize("made", [True, False])
def test_a_refund_that_was_given_up_is_decided_by_the_providers_books(gateway, made):
    order = a_confirmed_order()
    refund(order, 300)
    gateway.queue("refund", unknown("timeout"))
    grow_older(order, KEYS_LAST_SECONDS + 1)
    process_until_ended(order)
    if made:
        change(gateway, order, refunded=300, state=AnswerState.REFUNDED)
    assert compare(gateway) == []
    assert state_of(order) == ("confirmed", "partially_refunded" if made else "captured")
    payment = look("SELECT refunded_minor, refunding_minor FROM payments")[0]
    assert tuple(payment) == (300 if made else 0, 0)
    assert [(b.kind, b.state) for b in breaks()] == [("refund_unknown", "closed")]


def test_a_provider_that_does_not_tell_is_asked_again_from_where_we_were(gateway):
    order = a_confirmed_order()
    change(gateway, order, captured=1)
    gateway.silent = True
    assert compare(gateway) == []
    assert look("SELECT 1 FROM payment_books") == []
    gateway.silent = False
    assert compare(gateway, 0) == ["captured_differs"]


def test_a_doubt_that_cannot_be_asked_about_again_is_no_break_yet(gateway):
    order = a_confirmed_order()
    change(gateway, order, captured=1)
    gateway.queue("look_up", *[unknown("timeout")] * 5)
    let_pass(gateway, WHILE_SECONDS)
    before = {name: found for name, found in everything().items() if name != "payment_books"}
    reconcile()
    assert {name: found for name, found in everything().items() if name != "payment_books"} == before
