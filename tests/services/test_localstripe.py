"""The Stripe adapter, alone and in the whole life of an order, against a Stripe that is a process of its own."""

import hashlib
import hmac
import json
import subprocess
import sys
from dataclasses import replace

import pytest

from blueprints import register
from quickshop.extensions import settings
from quickshop.factory import create_app
from quickshop.kernel import clock
from quickshop.orders import processing
from quickshop.orders.webhooks import take_webhook
from quickshop.payments import methods
from quickshop.payments.gateways import registry
from quickshop.payments.gateways.port import AnswerState, ChargeRequest
from quickshop.payments.gateways.stripe import StripeGateway, read_event
from quickshop.payments.signatures import verify
from tests.factories.gateways import RawServer, WebhookReceiver
from tests.factories.shop import (
    a_member,
    a_variant,
    an_order,
    cancel,
    come_due,
    grow_older,
    look,
    pay_again,
    process_until_ended,
    refund,
    state_of,
    stock_of,
)
from tests.factories.stripes import ASKS, DECLINED, SECRET_KEY, WEBHOOK_SECRET, localstripe
from tests.factories.waiting import eventually

S = AnswerState


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    with localstripe(tmp_path_factory.mktemp("localstripe")) as found:
        yield found


@pytest.fixture
def gateway(local):
    return StripeGateway(SECRET_KEY, lambda: False, api_url=local.url)


@pytest.fixture
def key(request):
    return request.node.name


def charge(gateway, key, token, amount=1500):
    return gateway.authorize(ChargeRequest(key, "QS-1", amount, "USD", token))


# --- the adapter ---------------------------------------------------------------------------------------


def test_money_is_reserved_taken_and_given_back_in_parts(local, gateway, key):
    made = charge(gateway, key, local.card())
    assert (made.state, made.amount_minor, made.captured_minor) == (S.AUTHORIZED, 1500, 0)
    assert gateway.look_up(key, made.provider_ref).state is S.AUTHORIZED
    assert gateway.capture(made.provider_ref, f"{key}:c", 1500).state is S.CAPTURED
    for part, refunded in ((400, 400), (400, 400), (1100, 1500)):  # the second time is the first one again
        assert gateway.refund(made.provider_ref, f"{key}:{part}", part).state is S.REFUNDED
        now = gateway.look_up(key, made.provider_ref)
        assert (now.state, now.captured_minor, now.refunded_minor) == (S.REFUNDED, 1500, refunded)


def test_a_reservation_is_let_go_once(local, gateway, key):
    made = charge(gateway, key, local.card())
    for _ in range(2):
        assert gateway.void(made.provider_ref, f"{key}:v").state is S.VOIDED
    assert gateway.capture(made.provider_ref, f"{key}:c", 1500).state is not S.CAPTURED
    assert gateway.look_up(key, made.provider_ref).captured_minor == 0


def test_what_was_taken_cannot_be_let_go(local, gateway, key):
    made = charge(gateway, key, local.card())
    gateway.capture(made.provider_ref, f"{key}:c", 1500)
    assert gateway.void(made.provider_ref, f"{key}:v").state is S.REFUSED


def test_a_declined_card_and_an_unknown_one_reserve_nothing(local, gateway, key):
    assert charge(gateway, key, local.card(DECLINED)).state is S.DECLINED
    assert charge(gateway, f"{key}-2", "pm_nobodys").state is S.DECLINED


@pytest.mark.parametrize(("success", "state"), [(True, S.AUTHORIZED), (False, S.DECLINED)])
def test_a_banks_question_is_answered_and_the_look_tells(local, gateway, key, success, state):
    made = charge(gateway, key, local.card(ASKS))
    assert made.state is S.REQUIRES_ACTION
    local.answer_bank(made.provider_ref, success)
    assert gateway.look_up(key, made.provider_ref).state is state


def test_cards_are_described_kept_charged_and_forgotten(local, gateway, key):
    token = local.card()
    assert gateway.describe(token).card.last4 == "4242"
    kept = gateway.keep(token).card
    assert kept.token.startswith(f"{token}:cus_")
    another = gateway.keep(local.card(), beside=kept.token).card
    assert another.token.split(":")[1] == kept.token.split(":")[1]
    assert charge(gateway, key, kept.token).state is S.AUTHORIZED
    assert gateway.forget(kept.token).state is S.VOIDED
    assert gateway.describe("pm_nobodys").state is S.NOT_FOUND


def test_its_webhooks_are_signed_as_ours_are_verified(local, gateway, key):
    with WebhookReceiver() as shop:
        local.tell(shop.url)
        made = charge(gateway, key, local.card())
        gateway.capture(made.provider_ref, f"{key}:c", 1500)

        def told():
            return [d for d in shop.deliveries if read_event(d[2]).key == key]

        eventually(told, within=15)
        _, headers, body = told()[0]
        assert verify([WEBHOOK_SECRET], headers["Stripe-Signature"], body, clock.now().timestamp())
        assert read_event(body).provider_ref == made.provider_ref


def test_calls_wait_together_with_gevent():
    """In a web process a silent Stripe stops nobody else."""
    program = """
from gevent import monkey; monkey.patch_all()
import sys, time, gevent
from quickshop.payments.gateways.stripe import StripeGateway
beats = []
def beat():
    while True:
        beats.append(1); gevent.sleep(0.02)
gevent.spawn(beat)
answer = StripeGateway("sk_test_of_a_test", lambda: False, api_url=sys.argv[1], read_seconds=0.6).describe("pm_1")
print(answer.code, len(beats) > 10)
"""
    with RawServer(lambda connection, ending: ending.wait(20)) as server:
        done = subprocess.run([sys.executable, "-c", program, server.url], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["timeout", "True"], done.stderr


# --- orders --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def paid_by_stripe(request, local):
    """The application with Stripe in force. Its localstripe knows no return_url, so none is told."""
    chosen = replace(
        request.getfixturevalue("settings"),
        payment_provider="stripe",
        stripe_secret_key=SECRET_KEY,
        stripe_publishable_key="pk_test_of_localstripe",
        stripe_webhook_secrets=("whsec_another_one", WEBHOOK_SECRET),
        stripe_api_url=local.url,
    )
    return create_app([register], settings=chosen)


@pytest.fixture
def shop(paid_by_stripe, clean, local, monkeypatch):
    made = registry._MAKERS | {
        registry.STRIPE: lambda s: StripeGateway(s.stripe_secret_key, registry.db.in_transaction, api_url=local.url)
    }
    monkeypatch.setattr(registry, "_MAKERS", made)
    monkeypatch.setattr(registry, "_gateways", {})
    with paid_by_stripe.app_context():
        yield paid_by_stripe


def payment():
    return look(
        "SELECT provider, provider_ref, captured_minor, refunded_minor, voided_at FROM payments ORDER BY round DESC"
    )[0]


def test_an_order_is_paid_partly_refunded_and_cancelled(shop, local):
    mug = a_variant(price=1000, stock=5)
    order = an_order({mug: 1}, token=local.card())
    processing.process(order.id)
    assert state_of(order) == ("confirmed", "captured")
    refund(order, 400)
    process_until_ended(order)
    cancel(order)
    process_until_ended(order)
    assert state_of(order) == ("cancelled", "refunded")
    assert stock_of(mug) == (5, 0)
    paid = payment()
    assert (paid.provider, paid.captured_minor, paid.refunded_minor) == ("stripe", 1500, 1500)
    assert local.intent(paid.provider_ref).latest_charge.amount_refunded == 1500


def test_a_declined_order_is_paid_again_with_another_card(shop, local):
    order = an_order(token=local.card(DECLINED))
    processing.process(order.id)
    assert state_of(order) == ("payment_failed", "failed")
    pay_again(order, local.card())
    processing.process(order.id)
    assert state_of(order) == ("confirmed", "captured")
    assert local.intent(payment().provider_ref).status == "succeeded"


@pytest.mark.parametrize("success", [True, False])
def test_the_banks_answer_is_told_by_webhook_and_looked_at(shop, local, success):
    order = an_order(token=local.card(ASKS))
    processing.process(order.id)
    assert state_of(order) == ("processing", "requires_action")
    ref = payment().provider_ref
    local.answer_bank(ref, success)
    body, signature = an_event(order, ref)
    assert take_webhook("stripe", {"Stripe-Signature": signature}.get, body)
    assert not take_webhook("stripe", {"Stripe-Signature": signature}.get, body)
    processing.process(order.id)
    assert state_of(order) == (("confirmed", "captured") if success else ("payment_failed", "failed"))


def an_event(order, ref):
    told = {"object": "payment_intent", "id": ref, "metadata": {"key": f"{order.id}:1:authorize"}}
    body = json.dumps({"object": "event", "id": f"evt_{ref}", "type": "x", "data": {"object": told}}).encode()
    at = int(clock.now().timestamp())
    return body, f"t={at},v1=" + hmac.new(WEBHOOK_SECRET.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()


def test_a_question_that_is_over_is_let_go_at_stripe(shop, local):
    order = an_order(token=local.card(ASKS))
    processing.process(order.id)
    grow_older(order, 16 * 60)
    come_due(order)
    processing.process(order.id)
    assert state_of(order) == ("payment_failed", "failed")
    assert local.intent(payment().provider_ref).status == "canceled"


def test_a_kept_card_pays(shop, local):
    member = a_member()
    method_id = methods.save_method(member.user_id, local.card())
    order = an_order(caller=member, payment_method_id=method_id)
    processing.process(order.id)
    assert state_of(order) == ("confirmed", "captured")
    assert local.intent(payment().provider_ref).customer.startswith("cus_")


def test_a_payment_goes_on_with_its_own_provider_after_another_one_is_chosen(shop, local):
    order = an_order(token=local.card(ASKS))
    processing.process(order.id)
    local.answer_bank(payment().provider_ref, True)
    back = replace(settings(), payment_provider="simulator")
    with create_app(role="worker", settings=back).app_context():
        come_due(order)
        processing.process(order.id)
    assert state_of(order) == ("confirmed", "captured")
    assert payment().provider == "stripe"
