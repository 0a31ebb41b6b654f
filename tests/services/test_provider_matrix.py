"""Orders while their payment provider misbehaves, whichever it is: accepted, not charged twice, never lost."""

import contextlib

import pytest

from quickshop.accounts.callers import ANONYMOUS
from quickshop.checkout.service import place_order
from quickshop.kernel import db
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders import processing
from quickshop.payments.gateways import registry
from quickshop.payments.gateways.simulator import SimulatorGateway
from quickshop.payments.gateways.stripe import StripeGateway
from quickshop.payments.rules import UNKNOWN_SECONDS
from tests.factories.gateways import RawServer, free_port
from tests.factories.shop import (
    a_cart,
    a_variant,
    a_wish,
    an_order,
    cancel,
    come_due,
    grow_older,
    look,
    order_cart,
    process_until_ended,
    state_of,
    stock_of,
)

pytestmark = pytest.mark.usefixtures("core")
READ_SECONDS = 0.15


def says(status, body=b"{}"):
    head = b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % (
        status,
        len(body),
    )
    return lambda connection, ending: connection.sendall(head + body)


# What the provider does, and whether it certainly did nothing with the charge.
TROUBLE = {
    "503": (says(503), None),
    "500 without a word": (says(500, b""), None),
    "429": (says(429, b'{"code": "slow_down", "error": {"type": "rate_limit_error"}}'), "sent"),
    "slower than we wait": (lambda connection, ending: ending.wait(5), "unknown"),
    "cut": (lambda connection, ending: connection.close(), "unknown"),
    "junk": (says(200, b"<html>ok</html>"), "unknown"),
    "somebody else's charge": (says(201, b'{"id": "ch_9", "state": "authorized", "amount": 1}'), "unknown"),
}
# After a 5xx the simulator is asked again with the key; Stripe, which would repeat its answer, is looked at.
AFTER_5XX = {"simulator": "sent", "stripe": "unknown"}


def gateways(url):
    inside = db.in_transaction
    return {
        "simulator": SimulatorGateway(url, inside, read_seconds=READ_SECONDS),
        "stripe": StripeGateway("sk_test_of_a_test", inside, api_url=url, read_seconds=READ_SECONDS),
    }


def serve(monkeypatch, provider, url):
    """Have the shop's present provider be this client at this address."""
    found = gateways(url)[provider]
    monkeypatch.setitem(registry._MAKERS, registry.SIMULATOR, lambda settings: found)
    monkeypatch.setattr(registry, "_gateways", {})


def attempt():
    return look("SELECT state FROM payment_attempts WHERE kind = 'authorize'")[0].state


@pytest.mark.parametrize("provider", ["simulator", "stripe"])
@pytest.mark.parametrize("trouble", TROUBLE)
def test_an_order_is_accepted_and_waits_and_ends_with_a_person_in_the_end(monkeypatch, provider, trouble):
    behave, state = TROUBLE[trouble]
    mug = a_variant(stock=5)
    with RawServer(behave) as server:
        serve(monkeypatch, provider, server.url)
        order = an_order({mug: 2}, token="tok_approve" if provider == "simulator" else "pm_card")
        processing.process(order.id)
        assert state_of(order) == ("processing", "pending")
        assert attempt() == (state or AFTER_5XX[provider])
        assert stock_of(mug) == (5, 2)
        grow_older(order, UNKNOWN_SECONDS + 1)
        come_due(order)
        processing.process(order.id)
    assert state_of(order) == ("on_hold", "pending")
    assert [b.kind for b in look("SELECT kind FROM payment_breaks WHERE state = 'open'")] == ["payment_unknown"]


@pytest.mark.parametrize("provider", ["simulator", "stripe"])
def test_a_provider_that_is_not_there_costs_no_attempts_and_no_time(monkeypatch, provider):
    serve(monkeypatch, provider, f"http://127.0.0.1:{free_port()}")
    order = an_order(token="pm_card")
    for _ in range(7):
        processing.process(order.id)
        come_due(order)
    assert (state_of(order), attempt()) == (("processing", "pending"), "sent")
    assert look("SELECT attempt FROM order_processing")[0].attempt == 0


@pytest.mark.parametrize("provider", ["simulator", "stripe"])
def test_a_provider_that_mostly_fails_is_left_alone_while_orders_go_on_being_accepted(monkeypatch, provider):
    with RawServer(says(503)) as server:
        serve(monkeypatch, provider, server.url)
        mug = a_variant(stock=50)
        orders = [an_order({mug: 1}, token="pm_card") for _ in range(24)]
        for order in orders:
            processing.process(order.id)
        assert server.calls == 20  # then its breaker is open
        assert {state_of(order) for order in orders} == {("processing", "pending")}
        order = an_order({mug: 1})
        cancel(order)
        assert state_of(order) == ("cancelled", "voided")
    assert stock_of(mug) == (50, 24)


# --- placing, cut at its commit ------------------------------------------------------------------------


class Cut(BaseException):
    """The process dies here: nothing of ours runs after it."""


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("committed", [False, True], ids=["before the commit", "after the commit"])
def test_placing_cut_at_its_commit_makes_one_order_when_it_is_tried_again(gateway, committed, times):
    mug = a_variant(stock=5)
    ref = a_cart({mug: 2})
    wish = a_wish(ref)

    def undone():
        place_order(ANONYMOUS, ref, wish)
        raise Cut

    for _ in range(times):
        with contextlib.suppress(Cut):
            run_unit((lambda: place_order(ANONYMOUS, ref, wish)) if committed else undone)
        assert len(look("SELECT 1 FROM orders")) == committed
        assert stock_of(mug) == (5, 2 if committed else 0)
    order = order_cart(ref, expected_total=wish.expected_total)
    process_until_ended(order)
    assert len(look("SELECT 1 FROM orders")) == 1
    assert (len(gateway.charges), gateway.captured()) == (1, order.total)
    assert stock_of(mug) == (3, 0)
