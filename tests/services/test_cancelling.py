"""Cancelling and refunding: stock is free at once, money goes back once, whoever is cut where and how often."""

import contextlib

import pytest
from psycopg2 import errors as pg
from sqlalchemy.exc import IntegrityError

from quickshop.kernel import db
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.money import Money
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders import cancelling, processing, refunding, undoing
from quickshop.orders.errors import NotCancellable, NotPayable, NotRefundable
from quickshop.orders.viewers import Viewer
from quickshop.payments.gateways.port import Answer, AnswerState, unknown
from quickshop.payments.rules import KEYS_LAST_SECONDS, UNKNOWN_SECONDS
from tests.factories.shop import (
    a_confirmed_order,
    a_declined_order,
    a_member,
    a_variant,
    an_order,
    an_order_on_hold,
    cancel,
    come_due,
    everything,
    grow_older,
    let_lease_run_out,
    log_of,
    look,
    pay_again,
    process_until_ended,
    refund,
    state_of,
    stock_of,
    work_of,
)

pytestmark = pytest.mark.usefixtures("core", "gateway")


def payment_of(order):
    return look("SELECT * FROM payments WHERE order_id = :id ORDER BY round DESC LIMIT 1", id=order.id)[0]


def breaks_of(order, state="open"):
    found = look("SELECT kind FROM payment_breaks WHERE order_id = :id AND state = :state", id=order.id, state=state)
    return sorted(row.kind for row in found)


# --- cancelling at every stage -------------------------------------------------------------------------


def waiting(token):
    def make(mug):
        order = an_order({mug: 2}, token=token)
        processing.process(order.id)
        come_due(order)
        return order

    return make


STAGES = {
    "placed": (lambda mug: an_order({mug: 2}), "voided", []),
    "asked, unknown, charged": (waiting("tok_timeout_charged"), "voided", ["look_up", "void"]),
    "asked, unknown, lost": (waiting("tok_timeout_lost"), "voided", ["look_up"] * 3),
    "asked, never reached": (waiting("tok_down"), "voided", ["look_up"] * 3),
    "waits for the shopper": (waiting("tok_challenge"), "voided", ["look_up", "void"]),
    "waits for the provider": (waiting("tok_late"), "voided", ["look_up", "void"]),
    "payment failed": (lambda mug: a_declined_order(items={mug: 2}), "voided", []),
    "on hold": (lambda mug: an_order_on_hold(items={mug: 2}), "voided", None),
    "confirmed": (lambda mug: a_confirmed_order(items={mug: 2}), "refunded", ["refund"]),
}


@pytest.mark.parametrize("stage", STAGES)
def test_an_order_can_be_cancelled_until_it_is_packed(gateway, stage):
    make, end, calls = STAGES[stage]
    mug = a_variant(stock=5)
    order = make(mug)
    made = len(gateway.calls)
    cancel(order)
    assert state_of(order)[0] == "cancelled"
    assert stock_of(mug) == (5, 0)  # at once
    process_until_ended(order)
    assert state_of(order) == ("cancelled", end)
    assert (gateway.reserved(), gateway.captured() - gateway.refunded()) == (0, 0)
    if calls is not None:
        assert [verb for verb, _ in gateway.calls[made:]] == calls
    assert log_of(order).count("order.cancelled") == 1
    assert stock_of(mug) == (5, 0)
    assert breaks_of(order) == []
    assert work_of(order).step == "done"


def test_cancelling_again_changes_nothing(gateway):
    order = a_confirmed_order()
    assert cancel(order) == order.id
    process_until_ended(order)
    before, calls = everything(), list(gateway.calls)
    assert cancel(order) == order.id
    processing.process(order.id)
    assert (everything(), gateway.calls) == (before, calls)


@pytest.mark.parametrize("fulfilment", ["partially_shipped", "shipped"])
def test_what_was_sent_is_not_cancelled(fulfilment):
    order = a_confirmed_order()
    run_unit(lambda: db.run("UPDATE orders SET fulfilment_status = :f WHERE id = :id", f=fulfilment, id=order.id))
    before = everything()
    with pytest.raises(NotCancellable) as refusal:
        cancel(order)
    assert (refusal.value.status, refusal.value.code) == (409, "not_cancellable")
    assert everything() == before


def test_somebody_elses_order_is_not_there_to_be_cancelled():
    order = an_order(caller=a_member())
    for viewer in (Viewer(), Viewer(user_id=a_member().user_id)):
        before = everything()
        with pytest.raises(NotFound):
            run_unit(lambda viewer=viewer: cancelling.cancel(order.number, viewer, None))
        assert everything() == before


def test_a_cancelled_order_is_not_paid_again(gateway):
    order = a_declined_order()
    cancel(order)
    with pytest.raises(NotPayable):
        pay_again(order)
    processing.process(order.id)
    assert gateway.captured() == 0


def test_a_confirmed_order_that_is_cancelled_no_longer_counts_for_its_member():
    member = a_member()
    order, kept = a_confirmed_order(caller=member), a_confirmed_order(caller=member)
    refund(order, 100)
    process_until_ended(order)
    cancel(order)
    process_until_ended(order)
    counted = look("SELECT order_count, spent_minor FROM users WHERE id = :id", id=member.user_id)[0]
    assert tuple(counted) == (1, kept.total)


def test_a_late_approval_of_a_cancelled_order_reserves_nothing(gateway):
    order = an_order(token="tok_challenge")
    processing.process(order.id)
    cancel(order)
    gateway.settle(AnswerState.AUTHORIZED)  # the shopper was faster than our void
    process_until_ended(order)
    assert gateway.reserved() == 0
    gateway.settle(AnswerState.AUTHORIZED)
    assert gateway.reserved() == 0
    assert state_of(order) == ("cancelled", "voided")


# --- cancelling while somebody works on it -------------------------------------------------------------


@pytest.mark.parametrize("verb", ["authorize", "capture"])
@pytest.mark.parametrize("moment", ["before the call", "after the call"])
def test_cancelling_around_a_call_ends_with_no_money_and_all_stock(gateway, monkeypatch, verb, moment):
    mug = a_variant(stock=5)
    order = an_order({mug: 2})
    usual = getattr(gateway, verb)

    def cancelled_meanwhile(*args):
        answer = usual(*args) if moment == "after the call" else None
        cancel(order)
        return answer or usual(*args)

    monkeypatch.setattr(gateway, verb, cancelled_meanwhile)
    processing.process(order.id)  # its write hits no row
    assert state_of(order)[0] == "cancelled"
    come_due(order)
    process_until_ended(order)
    taken = verb == "capture"
    assert state_of(order) == ("cancelled", "refunded" if taken else "voided")
    assert (gateway.reserved(), gateway.captured() - gateway.refunded()) == (0, 0)
    assert gateway.captured() == (order.total if taken else 0)
    assert stock_of(mug) == (5, 0)
    assert "order.confirmed" not in log_of(order)
    assert breaks_of(order) == []


def test_a_capture_between_our_look_and_our_void_is_refunded(gateway):
    order = an_order(token="tok_timeout_charged")
    processing.process(order.id)
    cancel(order)
    charge = gateway.charges_of(order)[0]
    gateway.before = lambda verb: gateway._capture(charge.ref, "elsewhere", charge.amount) if verb == "void" else None
    come_due(order)
    process_until_ended(order)
    assert state_of(order) == ("cancelled", "refunded")
    assert gateway.refunded() == gateway.captured() == order.total
    assert log_of(order)[-4:] == [
        "order.cancelled",
        "order.payment_authorized",
        "order.payment_captured",
        "order.refunded",
    ]


# --- a challenge that comes too late -------------------------------------------------------------------


def test_a_challenge_that_is_over_is_voided_before_its_payment_fails(gateway):
    mug = a_variant(stock=5)
    order = an_order({mug: 2}, token="tok_challenge")
    processing.process(order.id)
    grow_older(order, UNKNOWN_SECONDS + 1)
    come_due(order)
    processing.process(order.id)
    assert state_of(order) == ("payment_failed", "failed")
    assert look("SELECT failure_code FROM orders")[0].failure_code == "challenge_expired"
    assert gateway.charges_of(order)[0].state is AnswerState.VOIDED
    assert stock_of(mug) == (5, 0)
    attempts = {a.kind: a.state for a in look("SELECT kind, state FROM payment_attempts")}
    assert attempts == {"authorize": "refused", "void": "succeeded"}


def test_a_challenge_whose_void_is_not_answered_waits_and_can_still_be_approved(gateway):
    order = an_order(token="tok_challenge")
    processing.process(order.id)
    grow_older(order, UNKNOWN_SECONDS + 1)
    gateway.queue("void", unknown("timeout"))
    come_due(order)
    processing.process(order.id)
    assert state_of(order) == ("processing", "requires_action")
    gateway.settle(AnswerState.AUTHORIZED)
    come_due(order)
    processing.process(order.id)
    assert state_of(order) == ("confirmed", "captured")


# --- what nobody knows ends with a person --------------------------------------------------------------


def test_what_was_given_up_is_a_break_that_staff_see(gateway):
    order = an_order(token="tok_timeout_lost")
    processing.process(order.id)
    gateway.queue("look_up", unknown("timeout"))
    grow_older(order, UNKNOWN_SECONDS + 1)
    come_due(order)
    processing.process(order.id)
    assert state_of(order) == ("on_hold", "pending")
    assert [a.state for a in look("SELECT state FROM payment_attempts")] == ["given_up"]
    assert breaks_of(order) == ["payment_unknown"]


def test_cancelling_what_was_given_up_finds_out_and_closes_the_break(gateway):
    order = an_order(token="tok_timeout_charged")
    processing.process(order.id)
    gateway.queue("look_up", unknown("timeout"))
    grow_older(order, UNKNOWN_SECONDS + 1)
    come_due(order)
    processing.process(order.id)
    cancel(order)
    process_until_ended(order)
    assert state_of(order) == ("cancelled", "voided")
    assert gateway.reserved() == 0
    assert (breaks_of(order), breaks_of(order, "closed")) == ([], ["payment_unknown"])


def test_a_void_that_is_refused_for_ever_ends_with_a_break(gateway):
    order = an_order(token="tok_late")
    processing.process(order.id)
    cancel(order)
    gateway.queue("void", *[Answer(AnswerState.REFUSED, code="not_voidable")] * 9)
    process_until_ended(order)
    assert state_of(order) == ("cancelled", "pending")
    assert breaks_of(order) == ["undo_failed"]


# --- orders that cost nothing --------------------------------------------------------------------------


def test_an_order_with_nothing_due_is_confirmed_without_the_gateway(gateway):
    mug = a_variant(price=0, stock=5)
    member = a_member()
    order = free_order(mug, member)
    assert gateway.calls == []
    assert state_of(order) == ("confirmed", "captured")
    assert log_of(order) == ["order.placed", "order.processing", "order.payment_authorized", "order.confirmed"]
    assert stock_of(mug) == (4, 0)
    assert look("SELECT order_count FROM users WHERE id = :id", id=member.user_id)[0].order_count == 1
    cancel(order)
    processing.process(order.id)
    assert state_of(order) == ("cancelled", "refunded")
    assert stock_of(mug) == (5, 0)
    assert gateway.calls == []
    assert look("SELECT order_count FROM users WHERE id = :id", id=member.user_id)[0].order_count == 0


def free_order(variant, caller):
    run_unit(lambda: db.run("UPDATE shipping_methods SET price_minor = 0"))
    order = an_order({variant: 1}, caller=caller)
    assert order.total == 0
    processing.process(order.id)
    return order


@pytest.mark.parametrize("credit", [500, 1500])
def test_a_card_pays_what_credit_leaves_and_gets_no_more_than_that_back(gateway, credit):
    order = an_order({a_variant(price=1000): 1})
    run_unit(lambda: db.run("UPDATE orders SET credit_minor = :c WHERE id = :id", c=credit, id=order.id))
    processing.process(order.id)
    assert state_of(order) == ("confirmed", "captured")
    assert gateway.captured() == 1500 - credit
    assert len(gateway.calls) == (2 if credit < 1500 else 0)
    with pytest.raises(NotRefundable):
        refund(order, 1501 - credit)
    cancel(order)
    process_until_ended(order)
    assert state_of(order) == ("cancelled", "refunded")
    assert gateway.refunded() == 1500 - credit


def test_nothing_due_is_nothing_to_refund(gateway):
    order = free_order(a_variant(price=0), a_member())
    with pytest.raises(NotRefundable):
        refund(order, 1)


# --- refunds -------------------------------------------------------------------------------------------


def test_parts_are_refunded_until_nothing_is_left(gateway):
    order = a_confirmed_order(items={a_variant(price=1000): 1})  # 1500 with delivery
    refund(order, 400, "scratched")
    process_until_ended(order)
    assert state_of(order) == ("confirmed", "partially_refunded")
    refund(order, 600)
    refund(order, 500)
    process_until_ended(order)
    assert state_of(order) == ("confirmed", "refunded")
    assert [key.rsplit(":", 1)[1] for verb, key in gateway.calls if verb == "refund"] == ["1", "2", "3"]
    assert gateway.refunded() == payment_of(order).refunded_minor == 1500
    assert payment_of(order).refunding_minor == 0
    reasons = look("SELECT reason FROM payment_attempts WHERE kind = 'refund' ORDER BY number")
    assert [r.reason for r in reasons] == ["scratched", None, None]
    assert log_of(order).count("order.refunded") == 3


@pytest.mark.parametrize("amount", [1501, 10**12])
def test_more_than_is_left_is_refused_with_what_is_left(amount):
    order = a_confirmed_order(items={a_variant(price=1000): 1})
    before = everything()
    with pytest.raises(NotRefundable) as refusal:
        refund(order, amount)
    assert refusal.value.extra["left"] == {"amount": 1500, "currency": "USD"}
    assert everything() == before


def test_what_is_on_its_way_back_is_not_left(gateway):
    order = a_confirmed_order(items={a_variant(price=1000): 1})
    refund(order, 1000)
    with pytest.raises(NotRefundable):
        refund(order, 501)


def test_the_database_refuses_to_give_back_more_than_was_taken():
    order = a_confirmed_order()
    for change in ("refunded_minor = captured_minor + 1", "refunding_minor = 1, refunded_minor = captured_minor"):
        with pytest.raises(IntegrityError) as refusal:
            run_unit(lambda change=change: db.run(f"UPDATE payments SET {change} WHERE order_id = :id", id=order.id))
        assert isinstance(refusal.value.orig, pg.CheckViolation)


@pytest.mark.parametrize("amount", [Money(100, "EUR"), Money(0, "USD"), Money(-5, "USD")], ids=str)
def test_another_currency_or_no_amount_is_refused(amount):
    order = a_confirmed_order()
    with pytest.raises(Invalid):
        run_unit(lambda: refunding.refund(order.number, amount, None, None))


def test_what_was_never_taken_is_not_refunded():
    for make in (an_order, a_declined_order, an_order_on_hold):
        with pytest.raises(NotRefundable):
            refund(make(), 1)


def test_a_refused_refund_is_a_break_and_can_be_asked_again(gateway):
    order = a_confirmed_order()
    gateway.queue("refund", Answer(AnswerState.REFUSED, code="charge_disputed"))
    refund(order, 100)
    process_until_ended(order)
    assert state_of(order) == ("confirmed", "captured")
    assert breaks_of(order) == ["refund_refused"]
    assert log_of(order)[-1] == "order.refund_failed"
    assert payment_of(order).refunding_minor == 0
    refund(order, 100)
    process_until_ended(order)
    assert state_of(order) == ("confirmed", "partially_refunded")
    assert gateway.refunded() == 100


def test_a_refund_nobody_answers_is_asked_again_with_its_key_and_staff_are_told(gateway):
    order = a_confirmed_order()
    refund(order, 100)
    gateway.queue("refund", unknown("timeout"), unknown("timeout"), unknown("http_503", retriable=True))
    processing.process(order.id)
    assert breaks_of(order) == []
    grow_older(order, UNKNOWN_SECONDS + 1)
    come_due(order)
    processing.process(order.id)
    assert breaks_of(order) == ["refund_unknown"]
    process_until_ended(order)
    assert state_of(order) == ("confirmed", "partially_refunded")
    assert gateway.refunded() == 100
    assert len({key for verb, key in gateway.calls if verb == "refund"}) == 1
    assert (breaks_of(order), breaks_of(order, "closed")) == ([], ["refund_unknown"])


def test_a_refund_older_than_the_providers_memory_is_never_asked_again(gateway):
    order = a_confirmed_order()
    refund(order, 100)
    gateway.queue("refund", unknown("timeout"))
    grow_older(order, KEYS_LAST_SECONDS + 1)
    process_until_ended(order)
    assert gateway.made("refund") == 1
    assert breaks_of(order) == ["refund_unknown"]
    assert payment_of(order).refunding_minor == 100
    assert [a.state for a in look("SELECT state FROM payment_attempts WHERE kind = 'refund'")] == ["given_up"]


# --- cut at any moment ---------------------------------------------------------------------------------


class Cut(BaseException):
    """The process dies here: nothing of ours runs after it."""


def reserved_and_cancelled(mug):
    order = an_order({mug: 2}, token="tok_late")
    processing.process(order.id)
    cancel(order)
    return order


def paid_and_cancelled(mug):
    order = a_confirmed_order(items={mug: 2})
    cancel(order)
    return order


def partly_refunded(mug):
    order = a_confirmed_order(items={mug: 2})
    refund(order, 300)
    refund(order, 200)
    return order


WAYS = {
    "void": (reserved_and_cancelled, ("cancelled", "voided"), 0, (5, 0)),
    "refund of a cancelled order": (paid_and_cancelled, ("cancelled", "refunded"), 2500, (5, 0)),
    "refunds by staff": (partly_refunded, ("confirmed", "partially_refunded"), 500, (3, 0)),
}


def ended_well(order, mug, gateway, way):
    _, end, back, stock = WAYS[way]
    assert state_of(order) == end
    assert (gateway.reserved(), gateway.refunded()) == (0, back)
    assert (payment_of(order).refunded_minor, payment_of(order).refunding_minor) == (back, 0)
    assert stock_of(mug) == stock
    assert log_of(order).count("order.refunded") == (2 if way == "refunds by staff" else bool(back))
    assert breaks_of(order) == []
    assert work_of(order).step == "done"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("moment", ["before the call", "after the call"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_worker_cut_around_a_call_is_followed_by_one_that_gives_back_once(gateway, monkeypatch, way, moment, times):
    mug = a_variant(price=1000, stock=5)
    order = WAYS[way][0](mug)
    verb = "void" if way == "void" else "refund"
    left, usual = [times], getattr(gateway, verb)

    def cut(*args):
        if left[0]:
            left[0] -= 1
            if moment == "after the call":
                usual(*args)
            raise Cut
        return usual(*args)

    monkeypatch.setattr(gateway, verb, cut)
    for _ in range(times):
        with contextlib.suppress(Cut):  # the second time a look may tell that it is done
            processing.process(order.id)
        let_lease_run_out(order)
    process_until_ended(order)
    ended_well(order, mug, gateway, way)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("number", range(1, 9))
def test_a_worker_cut_at_any_commit_gives_back_once(gateway, monkeypatch, way, number):
    """The cut falls before or after the n-th commit."""
    mug = a_variant(price=1000, stock=5)
    order = WAYS[way][0](mug)
    units = [0]

    def cut(work):
        units[0] += 1
        if units[0] != (number + 1) // 2:
            return run_unit(work)
        if number % 2 == 0:
            run_unit(work)
            raise Cut

        def undone():
            work()
            raise Cut

        return run_unit(undone)

    with monkeypatch.context() as patch, contextlib.suppress(Cut):
        patch.setattr(processing, "run_unit", cut)
        patch.setattr(undoing, "run_unit", cut)
        processing.process(order.id)
    let_lease_run_out(order)
    process_until_ended(order)
    ended_well(order, mug, gateway, way)


@pytest.mark.parametrize("number", [1, 2])
def test_a_cancellation_cut_at_its_commit_happens_wholly_or_not_at_all(number):
    mug = a_variant(stock=5)
    order = a_confirmed_order(items={mug: 2})
    with contextlib.suppress(Cut):
        if number == 1:

            def undone():
                cancelling.cancel(order.number, Viewer(staff=True), None)
                raise Cut

            run_unit(undone)
        else:
            cancel(order)
    cancelled = number == 2
    assert (state_of(order)[0] == "cancelled") is cancelled
    assert stock_of(mug) == ((5, 0) if cancelled else (3, 0))
    cancel(order)
    process_until_ended(order)
    assert (state_of(order), stock_of(mug)) == (("cancelled", "refunded"), (5, 0))
