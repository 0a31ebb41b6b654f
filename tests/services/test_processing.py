"""Bringing an order to its end: each step once, whoever runs it how often, and an end for every trouble."""

import contextlib

import pytest

from quickshop.kernel import db
from quickshop.kernel.ids import new_id
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders import log, processing
from quickshop.orders.log import Move, Overtaken, StepChange
from quickshop.payments.gateways.port import Answer, AnswerState, unknown
from tests.factories.shop import (
    a_confirmed_order,
    a_declined_order,
    a_member,
    a_variant,
    an_order,
    an_order_on_hold,
    come_due,
    everything,
    let_lease_run_out,
    log_of,
    look,
    pay_again,
    process_until_ended,
    state_of,
    stock_of,
    work_of,
)

pytestmark = pytest.mark.usefixtures("core", "gateway")


def payment_of(order):
    return look("SELECT * FROM payments WHERE order_id = :id ORDER BY round DESC", id=order.id)[0]


# --- the good end --------------------------------------------------------------------------------------


def test_an_approved_order_is_confirmed_in_one_run(gateway):
    mug = a_variant(price=1250, stock=5)
    order = an_order({mug: 2})
    processing.process(order.id)
    assert state_of(order) == ("confirmed", "captured")
    assert log_of(order) == ["order.placed", "order.processing", "order.payment_authorized", "order.confirmed"]
    assert stock_of(mug) == (3, 0)
    (charge,) = gateway.charges.values()
    assert (charge.amount, charge.captured, charge.currency, charge.order) == (3000, 3000, "USD", order.number)
    paid = payment_of(order)
    assert (paid.authorized_minor, paid.captured_minor, paid.refunded_minor) == (3000, 3000, 0)
    work = work_of(order)
    assert (work.step, work.lease_token, work.next_run_at) == ("done", None, None)
    assert work.ended_at >= work.started_at


def test_stock_movements_tell_where_units_went():
    mug = a_variant(stock=5)
    order = a_confirmed_order(items={mug: 2})
    moves = look("SELECT delta, cause, order_id FROM stock_movements WHERE variant_id = :v ORDER BY id", v=mug)
    assert [(m.delta, m.cause, m.order_id) for m in moves] == [(5, "received", None), (-2, "sold", order.id)]


def test_a_members_spend_and_orders_are_counted_once_when_confirmed():
    member = a_member()
    order = an_order({a_variant(price=1000): 2}, caller=member)
    counted = "SELECT order_count, spent_minor FROM users WHERE id = :id"
    assert tuple(look(counted, id=member.user_id)[0]) == (0, 0)
    for _ in range(3):
        processing.process(order.id)
    assert tuple(look(counted, id=member.user_id)[0]) == (1, order.total)


def test_a_members_account_log_tells_of_all_orders_without_a_gap():
    member = a_member()
    first, second = a_confirmed_order(caller=member), a_declined_order(caller=member)
    entries = look("SELECT seq, type, data FROM account_events WHERE user_id = :id ORDER BY seq", id=member.user_id)
    assert [e.seq for e in entries] == list(range(1, 8))
    for order in (first, second):
        assert [e.type for e in entries if e.data["number"] == order.number] == log_of(order)


def test_frames_of_an_order_leave_in_the_order_of_its_log():
    order = a_confirmed_order()
    frames = [f for r in look("SELECT frames FROM outbox ORDER BY id") for f in r.frames]
    assert [(f["seq"], f["type"]) for f in frames if f["topic"] == f"order:{order.number}"] == list(
        enumerate(log_of(order), 1)
    )


# --- the bad end ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "code"), [("tok_decline", "card_declined"), ("tok_insufficient_funds", "insufficient_funds")]
)
def test_a_decline_gives_the_stock_back_and_says_why(gateway, token, code):
    mug = a_variant(stock=5)
    order = an_order({mug: 2}, token=token)
    processing.process(order.id)
    assert state_of(order) == ("payment_failed", "failed")
    assert log_of(order) == ["order.placed", "order.processing", "order.payment_failed"]
    assert stock_of(mug) == (5, 0)
    assert gateway.charges == {}
    assert look("SELECT failure_code FROM orders")[0].failure_code == code
    assert work_of(order).step == "done"


# --- twice, after the end, by somebody else ------------------------------------------------------------


@pytest.mark.parametrize("make", [a_confirmed_order, a_declined_order, an_order_on_hold])
def test_processing_after_the_end_changes_nothing(gateway, make):
    order = make()
    before, calls = everything(), list(gateway.calls)
    for _ in range(3):
        processing.process(order.id)
        come_due(order)
    assert everything() == before
    assert gateway.calls == calls


def test_processing_an_order_that_does_not_exist_changes_nothing(gateway):
    before = everything()
    processing.process(new_id())
    assert everything() == before
    assert gateway.calls == []


def test_a_step_that_somebody_owns_is_left_alone(gateway):
    order = an_order()
    gateway.before = lambda verb: processing.process(order.id)
    processing.process(order.id)
    assert [verb for verb, _ in gateway.calls] == ["authorize", "capture"]
    assert work_of(order).attempt == 0
    assert state_of(order) == ("confirmed", "captured")


def test_a_worker_that_came_too_late_after_authorising_hits_no_row(gateway):
    mug = a_variant(stock=5)
    order = an_order({mug: 1})
    stale = {}

    def overtake(verb):
        if not stale:
            stale["step"] = work_of(order).lease_token
            let_lease_run_out(order)
            processing.process(order.id)  # somebody else brings it to its end
            stale["after"] = everything()

    gateway.before = overtake
    processing.process(order.id)
    assert everything() == stale["after"]
    assert state_of(order) == ("confirmed", "captured")
    assert log_of(order) == ["order.placed", "order.processing", "order.payment_authorized", "order.confirmed"]
    assert gateway.captured() == order.total
    assert len(gateway.charges) == 1
    assert stock_of(mug) == (4, 0)


def test_a_worker_that_came_too_late_after_capturing_hits_no_row(gateway):
    order = an_order()
    seen = {}

    def overtake(verb):
        if verb == "capture" and not seen:
            seen["entered"] = True
            let_lease_run_out(order)
            processing.process(order.id)
            seen["after"] = everything()

    gateway.before = overtake
    processing.process(order.id)
    assert everything() == seen["after"]
    assert gateway.captured() == order.total
    assert log_of(order).count("order.confirmed") == 1


def test_a_worker_whose_step_was_only_taken_over_hits_no_row(gateway):
    """The new owner has not changed the order's state yet: only the lease tells the two apart."""
    order = an_order()
    seen = {}

    def take_over(verb):
        if verb == "authorize" and not seen:
            seen["lease"] = new_id()
            run_unit(
                lambda: db.run(
                    "UPDATE order_processing SET lease_token = :lease, lease_until = now() + interval '1 min'",
                    lease=seen["lease"],
                )
            )
            seen["after"] = everything()

    gateway.before = take_over
    processing.process(order.id)
    assert everything() == seen["after"]
    assert state_of(order) == ("processing", "pending")
    assert work_of(order).lease_token == seen["lease"]


def test_a_stale_lease_moves_nothing_even_where_the_state_fits():
    order = an_order()
    change = Move(("placed", "pending"), "processing", "pending", [])
    before = everything()
    with pytest.raises(Overtaken):
        run_unit(lambda: log.move(order.id, change, request_id=None, step=StepChange(new_id(), "authorize")))
    with pytest.raises(Overtaken):
        run_unit(lambda: log.change_step(order.id, StepChange(new_id(), "done")))
    assert everything() == before


def test_a_state_that_changed_meanwhile_moves_nothing_even_with_the_lease():
    order = an_order()
    run_unit(lambda: db.run("UPDATE orders SET status = 'processing' WHERE id = :id", id=order.id))
    before = everything()
    with pytest.raises(Overtaken):
        run_unit(lambda: log.move(order.id, Move(("placed", "pending"), "cancelled", "voided", []), request_id=None))
    assert everything() == before


# --- cut at any moment ---------------------------------------------------------------------------------


class Cut(BaseException):
    """The process dies here: nothing of ours runs after it."""


CALLS = ("authorize", "capture")


@pytest.mark.parametrize("verb", CALLS)
@pytest.mark.parametrize("moment", ["before the call", "after the call"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_worker_cut_around_a_call_is_followed_by_one_that_charges_once(gateway, monkeypatch, verb, moment, times):
    mug = a_variant(stock=5)
    order = an_order({mug: 1})
    left = [times]
    usual = getattr(gateway, verb)

    def cut(*args):
        if left[0]:
            left[0] -= 1
            if moment == "after the call":
                usual(*args)
            raise Cut
        return usual(*args)

    monkeypatch.setattr(gateway, verb, cut)
    for _ in range(times):
        with pytest.raises(Cut):
            processing.process(order.id)
        processing.process(order.id)  # its lease still runs: nobody touches it
        assert state_of(order)[0] == "processing"
        let_lease_run_out(order)
    processing.process(order.id)
    assert state_of(order) == ("confirmed", "captured")
    assert log_of(order) == ["order.placed", "order.processing", "order.payment_authorized", "order.confirmed"]
    assert (len(gateway.charges), gateway.captured()) == (1, order.total)
    assert stock_of(mug) == (4, 0)


@pytest.mark.parametrize("number", range(1, 9))
@pytest.mark.parametrize("token", ["tok_approve", "tok_decline"])
def test_a_worker_cut_at_any_commit_loses_and_doubles_nothing(gateway, monkeypatch, number, token):
    """The cut falls before or after the n-th commit: the same work is done by whoever comes next."""
    mug = a_variant(stock=5)
    order = an_order({mug: 1}, token=token)
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
        processing.process(order.id)
    let_lease_run_out(order)
    processing.process(order.id)
    if token == "tok_approve":
        assert state_of(order) == ("confirmed", "captured")
        assert log_of(order) == ["order.placed", "order.processing", "order.payment_authorized", "order.confirmed"]
        assert (len(gateway.charges), gateway.captured()) == (1, order.total)
        assert stock_of(mug) == (4, 0)
    else:
        assert state_of(order) == ("payment_failed", "failed")
        assert log_of(order) == ["order.placed", "order.processing", "order.payment_failed"]
        assert stock_of(mug) == (5, 0)
    assert work_of(order).step == "done"


# --- trouble has an end --------------------------------------------------------------------------------


def test_five_tries_without_progress_put_the_order_on_hold_for_a_person(gateway):
    mug = a_variant(stock=5)
    order = an_order({mug: 2})
    gateway.queue("authorize", *[ValueError("a bug")] * 9)
    runs = process_until_ended(order)
    assert runs == 6
    assert gateway.made("authorize") == 5
    assert state_of(order) == ("on_hold", "pending")
    assert look("SELECT hold_reason FROM orders")[0].hold_reason == "needs_review"
    assert log_of(order) == ["order.placed", "order.processing", "order.on_hold"]
    assert stock_of(mug) == (5, 2)
    assert work_of(order).last_error == "too_many_attempts"


def test_a_step_that_kills_its_worker_every_time_is_given_up_too(gateway):
    order = an_order()

    def die(verb):
        raise Cut

    gateway.before = die
    for _ in range(5):
        with pytest.raises(Cut):
            processing.process(order.id)
        let_lease_run_out(order)
    processing.process(order.id)
    assert state_of(order)[0] == "on_hold"
    assert len(gateway.calls) == 0


def test_trouble_that_passes_is_followed_by_success(gateway):
    order = an_order()
    gateway.queue("authorize", *[ValueError("a passing bug")] * 4)
    process_until_ended(order)
    assert state_of(order) == ("confirmed", "captured")


def test_each_failure_waits_longer_and_says_why(gateway):
    order = an_order()
    gateway.queue("authorize", *[ValueError("a bug")] * 3)
    waits = []
    for _ in range(3):
        processing.process(order.id)
        work = work_of(order)
        assert work.last_error == "ValueError: a bug"
        assert work.lease_token is None
        waits.append(look("SELECT extract(epoch FROM next_run_at - now()) AS s FROM order_processing")[0].s)
        come_due(order)
    for wait, most in zip(waits, (2, 4, 8), strict=True):
        assert most / 2 - 0.5 <= wait <= most


def test_progress_clears_the_count_of_failures(gateway):
    order = an_order()
    gateway.queue("authorize", *[ValueError("a bug")] * 4)
    gateway.queue("capture", *[ValueError("another bug")] * 4)
    process_until_ended(order)
    assert state_of(order) == ("confirmed", "captured")


def test_an_answer_that_no_authorisation_may_have_is_trouble_not_success(gateway):
    order = an_order()
    gateway.queue("authorize", *[Answer(AnswerState.CAPTURED, "ch_x", None, order.total, currency="USD")] * 5)
    process_until_ended(order)
    assert state_of(order) == ("on_hold", "pending")


@pytest.mark.parametrize("answer", [(1, "USD"), (None, "EUR")], ids=["another amount", "another currency"])
def test_a_charge_over_another_sum_is_never_taken_for_ours(gateway, answer):
    order = an_order(token="tok_timeout_charged")
    processing.process(order.id)
    amount, currency = answer
    wrong = Answer(AnswerState.AUTHORIZED, "ch_x", amount_minor=amount or order.total, currency=currency)
    gateway.queue("look_up", *[wrong] * 5)
    come_due(order)
    process_until_ended(order)
    assert state_of(order) == ("on_hold", "pending")
    assert gateway.captured() == 0


def test_a_refused_capture_ends_with_a_person_and_the_stock_stays_taken(gateway):
    mug = a_variant(stock=5)
    order = an_order({mug: 2})
    gateway.queue("capture", *[Answer(AnswerState.REFUSED, code="not_authorized")] * 9)
    process_until_ended(order)
    assert state_of(order) == ("on_hold", "authorized")
    assert stock_of(mug) == (3, 0)


def test_a_capture_nobody_answers_is_asked_again_with_the_same_key(gateway):
    order = an_order()
    gateway.queue("capture", unknown("timeout"), unknown("http_503", retriable=True))
    process_until_ended(order)
    assert state_of(order) == ("confirmed", "captured")
    keys = {key for verb, key in gateway.calls if verb == "capture"}
    assert len(keys) == 1
    assert gateway.made("capture") == 3
    assert gateway.captured() == order.total


# --- paying again --------------------------------------------------------------------------------------


def test_paying_again_reserves_anew_and_charges_under_a_new_key(gateway):
    mug = a_variant(stock=2)
    order = a_declined_order(items={mug: 2})
    pay_again(order)
    assert state_of(order) == ("processing", "pending")
    assert stock_of(mug) == (2, 2)
    processing.process(order.id)
    assert state_of(order) == ("confirmed", "captured")
    assert stock_of(mug) == (0, 0)
    assert log_of(order) == [
        "order.placed",
        "order.processing",
        "order.payment_failed",
        "order.payment_retried",
        "order.payment_authorized",
        "order.confirmed",
    ]
    keys = [key for verb, key in gateway.calls if verb == "authorize"]
    assert keys == [f"{order.id}:1:authorize", f"{order.id}:2:authorize"]
    assert look("SELECT failure_code FROM orders")[0].failure_code is None


def test_paying_again_can_fail_again_and_be_tried_again(gateway):
    mug = a_variant(stock=2)
    order = a_declined_order(items={mug: 1})
    for _ in range(3):
        pay_again(order, "tok_insufficient_funds")
        processing.process(order.id)
        assert state_of(order) == ("payment_failed", "failed")
        assert stock_of(mug) == (2, 0)
    pay_again(order)
    processing.process(order.id)
    assert gateway.captured() == order.total
    assert len({key for verb, key in gateway.calls if verb == "authorize"}) == 5


# --- the payment token ---------------------------------------------------------------------------------


def test_the_payment_token_stands_sealed_and_reaches_the_gateway(gateway):
    order = an_order(token="tok_approve:secret-card")
    (row,) = look("SELECT payment_token, payment_token_sealed FROM orders WHERE id = :id", id=order.id)
    assert row.payment_token is None
    assert b"secret-card" not in bytes(row.payment_token_sealed)
    processing.process(order.id)
    assert state_of(order) == ("confirmed", "captured")


def test_the_token_of_paying_again_stands_sealed_too():
    order = a_declined_order()
    pay_again(order, "tok_approve:another")
    (row,) = look("SELECT payment_token, payment_token_sealed FROM orders WHERE id = :id", id=order.id)
    assert row.payment_token is None
    assert b"another" not in bytes(row.payment_token_sealed)
    processing.process(order.id)
    assert state_of(order) == ("confirmed", "captured")


def test_a_token_that_older_code_wrote_in_the_clear_still_pays():
    order = an_order()
    plain = "UPDATE orders SET payment_token = 'tok_approve', payment_token_sealed = NULL WHERE id = :id"
    run_unit(lambda: db.run(plain, id=order.id))
    processing.process(order.id)
    assert state_of(order) == ("confirmed", "captured")


def test_an_order_of_somebody_erased_before_it_was_paid_ends_unpaid_and_frees_its_stock(gateway):
    mug = a_variant(stock=5)
    order = an_order({mug: 2})
    erase = "UPDATE persons SET key_id = NULL, wrapped_key = NULL, erased_at = now() FROM orders o"
    run_unit(lambda: db.run(erase + " WHERE persons.id = o.person_id AND o.id = :id", id=order.id))
    processing.process(order.id)
    assert state_of(order) == ("payment_failed", "failed")
    assert payment_of(order).authorized_minor == 0
    assert gateway.charges == {}
    assert stock_of(mug) == (5, 0)
