"""Payments of which nobody knows the outcome yet: looked up until it is known, never charged again."""

import hashlib
import json

import pytest

from quickshop.kernel import clock
from quickshop.kernel.errors import NotFound
from quickshop.orders import processing
from quickshop.orders.webhooks import BadWebhook, take_webhook
from quickshop.payments.gateways.port import AnswerState, unknown
from quickshop.payments.rules import UNKNOWN_SECONDS
from quickshop.payments.signatures import HEADER, sign
from tests.factories.gateways import WEBHOOK_SECRET
from tests.factories.shop import (
    a_confirmed_order,
    a_variant,
    an_order,
    come_due,
    everything,
    grow_older,
    log_of,
    look,
    pay_again,
    process_until_ended,
    state_of,
    stock_of,
    work_of,
)

pytestmark = pytest.mark.usefixtures("core", "gateway")
SECRET = WEBHOOK_SECRET


def attempt_of(order):
    return look("SELECT * FROM payment_attempts WHERE order_id = :id AND kind = 'authorize'", id=order.id)[0]


def an_event(gateway, order, event_id="evt_1", **charge):
    """What the provider would tell of this order's charge: body and signature."""
    key = next(c.key for c in gateway.charges.values() if c.order == order.number)
    told = {"id": "ch_1", "key": key} | charge
    body = json.dumps({"id": event_id, "type": "charge.updated", "charge": told}).encode()
    return body, sign(SECRET, int(clock.now().timestamp()), body)


def tell(body, signature, provider="simulator"):
    return take_webhook(provider, {HEADER: signature}.get, body)


# --- silence -------------------------------------------------------------------------------------------


def test_a_silent_gateway_that_did_charge_is_looked_up_and_charged_once(gateway):
    order = an_order(token="tok_timeout_charged")
    processing.process(order.id)
    assert state_of(order) == ("processing", "pending")
    assert attempt_of(order).state == "unknown"
    come_due(order)
    processing.process(order.id)
    assert state_of(order) == ("confirmed", "captured")
    assert [verb for verb, _ in gateway.calls] == ["authorize", "look_up", "capture"]
    assert (len(gateway.charges), gateway.captured()) == (1, order.total)


def test_a_silent_gateway_that_never_saw_it_fails_the_payment_after_three_look_ups(gateway):
    mug = a_variant(stock=5)
    order = an_order({mug: 2}, token="tok_timeout_lost")
    runs = process_until_ended(order)
    assert [verb for verb, _ in gateway.calls] == ["authorize", "look_up", "look_up", "look_up"]
    assert runs == 4
    assert state_of(order) == ("payment_failed", "failed")
    assert look("SELECT failure_code FROM orders")[0].failure_code == "not_found"
    assert gateway.charges == {}
    assert stock_of(mug) == (5, 0)


def test_only_look_ups_that_deny_it_count_towards_lost(gateway):
    order = an_order(token="tok_timeout_lost")
    processing.process(order.id)
    gateway.queue("look_up", unknown("timeout"), unknown("http_503", retriable=True), unknown("timeout"))
    for _ in range(4):
        come_due(order)
        processing.process(order.id)
    assert state_of(order) == ("processing", "pending")
    assert [verb for verb, _ in gateway.calls] == ["authorize"] + ["look_up"] * 4
    assert attempt_of(order).look_ups == 1


def test_after_a_lost_charge_another_round_uses_another_key(gateway):
    order = an_order(token="tok_timeout_lost")
    process_until_ended(order)
    pay_again(order)
    process_until_ended(order)
    assert state_of(order) == ("confirmed", "captured")
    assert [c.key for c in gateway.charges.values()] == [f"{order.id}:2:authorize"]


def test_a_definite_error_is_asked_again_with_the_same_key(gateway):
    order = an_order(token="tok_error_once")
    process_until_ended(order)
    assert state_of(order) == ("confirmed", "captured")
    assert [verb for verb, _ in gateway.calls] == ["authorize", "authorize", "capture"]
    assert len({key for verb, key in gateway.calls if verb == "authorize"}) == 1


def test_a_gateway_that_is_down_for_a_while_costs_no_attempts(gateway):
    order = an_order(token="tok_down")
    for _ in range(12):
        processing.process(order.id)
        come_due(order)
    assert state_of(order) == ("processing", "pending")
    assert work_of(order).attempt == 0
    assert attempt_of(order).state == "sent"


def test_silence_without_end_is_given_to_a_person_with_the_stock_still_held(gateway):
    mug = a_variant(stock=5)
    order = an_order({mug: 2}, token="tok_timeout_lost")
    processing.process(order.id)
    gateway.queue("look_up", *[unknown("timeout")] * 3)
    come_due(order)
    processing.process(order.id)
    assert state_of(order) == ("processing", "pending")
    grow_older(order, UNKNOWN_SECONDS + 1)
    come_due(order)
    processing.process(order.id)
    assert state_of(order) == ("on_hold", "pending")
    assert look("SELECT hold_reason FROM orders")[0].hold_reason == "needs_review"
    assert log_of(order)[-1] == "order.on_hold"
    assert stock_of(mug) == (5, 2)


def test_waits_between_look_ups_grow_with_age():
    order = an_order(token="tok_timeout_lost")
    due_in = "SELECT extract(epoch FROM next_run_at - now())::float AS s FROM order_processing"
    processing.process(order.id)
    assert 0.3 <= look(due_in)[0].s <= 1
    grow_older(order, 80)
    come_due(order)
    processing.process(order.id)
    assert 19 <= look(due_in)[0].s <= 41


# --- pending, then told --------------------------------------------------------------------------------


def test_a_pending_charge_is_confirmed_when_the_gateway_tells(gateway):
    order = an_order(token="tok_late")
    processing.process(order.id)
    assert state_of(order) == ("processing", "pending")
    gateway.settle(AnswerState.AUTHORIZED)
    hints = len(look("SELECT 1 FROM outbox"))
    assert tell(*an_event(gateway, order)) is True
    rows = look("SELECT tasks FROM outbox ORDER BY id")[hints:]
    hint = {"name": "orders.process", "queue": "orders.standard", "args": [str(order.id)]}
    assert [r.tasks for r in rows] == [[hint]]
    processing.process(order.id)  # due now: the webhook woke it
    assert state_of(order) == ("confirmed", "captured")
    assert (len(gateway.charges), gateway.captured()) == (1, order.total)


def test_a_pending_charge_that_is_declined_later_gives_the_stock_back(gateway):
    mug = a_variant(stock=5)
    order = an_order({mug: 2}, token="tok_late")
    processing.process(order.id)
    gateway.settle(AnswerState.DECLINED)
    tell(*an_event(gateway, order))
    processing.process(order.id)
    assert state_of(order) == ("payment_failed", "failed")
    assert stock_of(mug) == (5, 0)


def test_what_a_webhook_says_is_not_believed_but_looked_up(gateway):
    order = an_order(token="tok_late")
    processing.process(order.id)
    tell(*an_event(gateway, order, state="captured", amount=1))
    processing.process(order.id)
    assert state_of(order) == ("processing", "pending")
    assert gateway.captured() == 0


def test_a_webhook_told_twice_has_one_effect(gateway):
    order = an_order(token="tok_late")
    processing.process(order.id)
    event = an_event(gateway, order)
    assert tell(*event) is True
    before = everything()
    assert tell(*event) is False
    assert everything() == before


def test_a_webhook_after_the_end_wakes_nobody(gateway):
    order = a_confirmed_order(token="tok_approve")
    before = {name: found for name, found in everything().items() if name != "payment_webhooks"}
    assert tell(*an_event(gateway, order)) is True
    assert {name: found for name, found in everything().items() if name != "payment_webhooks"} == before


def test_a_webhook_before_the_answer_to_our_own_call_does_no_harm(gateway):
    order = an_order(token="tok_approve")

    def before(verb):
        if verb == "capture":
            tell(*an_event(gateway, order))

    gateway.before = before
    processing.process(order.id)
    assert state_of(order) == ("confirmed", "captured")
    assert gateway.captured() == order.total


def test_forged_old_and_unreadable_webhooks_are_refused_and_change_nothing(gateway):
    order = an_order(token="tok_late")
    processing.process(order.id)
    body, signature = an_event(gateway, order)
    now = int(clock.now().timestamp())
    before = everything()
    unreadable = (b"", b"[]", b"{", b'{"id": 1}', b'{"id": "e", "charge": {"key": 7}}')
    for raw, signed in [
        (body, "t=1,v1=" + hashlib.sha256(b"").hexdigest()),
        (body + b" ", signature),
        (body, sign("another secret", now, body)),
        (body, sign(SECRET, now - 400, body)),
        (body, sign(SECRET, now + 400, body)),
        (body, ""),
        *((raw, sign(SECRET, now, raw)) for raw in unreadable),
    ]:
        with pytest.raises(BadWebhook):
            tell(raw, signed)
        assert everything() == before
    with pytest.raises(NotFound):
        tell(body, signature, provider="nobody")


# --- challenges ----------------------------------------------------------------------------------------


def test_a_challenge_shows_the_shopper_what_to_do_and_holds_the_stock(gateway):
    mug = a_variant(stock=5)
    order = an_order({mug: 2}, token="tok_challenge")
    processing.process(order.id)
    assert state_of(order) == ("processing", "requires_action")
    assert log_of(order)[-1] == "order.payment_action_required"
    assert look("SELECT next_action FROM orders")[0].next_action["type"] == "redirect"
    assert stock_of(mug) == (5, 2)


def test_a_challenge_is_announced_once_however_often_it_is_looked_at(gateway):
    order = an_order(token="tok_challenge")
    for _ in range(4):
        processing.process(order.id)
        come_due(order)
    assert log_of(order).count("order.payment_action_required") == 1


@pytest.mark.parametrize(
    ("decision", "end"),
    [(AnswerState.AUTHORIZED, ("confirmed", "captured")), (AnswerState.DECLINED, ("payment_failed", "failed"))],
)
def test_the_shoppers_answer_to_a_challenge_brings_the_end(gateway, decision, end):
    order = an_order(token="tok_challenge")
    processing.process(order.id)
    gateway.settle(decision)
    tell(*an_event(gateway, order))
    processing.process(order.id)
    assert state_of(order) == end
    assert look("SELECT next_action FROM orders")[0].next_action is None


def test_a_challenge_nobody_answers_fails_the_payment_in_the_end(gateway):
    mug = a_variant(stock=5)
    order = an_order({mug: 2}, token="tok_challenge")
    processing.process(order.id)
    grow_older(order, UNKNOWN_SECONDS + 1)
    come_due(order)
    processing.process(order.id)
    assert state_of(order) == ("payment_failed", "failed")
    assert stock_of(mug) == (5, 0)
