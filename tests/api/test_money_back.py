"""Cancelling and refunding by API: who may, what it answers, what staff see of it."""

import pytest

from quickshop.accounts.callers import Caller
from quickshop.orders import processing
from quickshop.orders.viewers import order_token
from quickshop.payments import breaks
from quickshop.payments.breaks import Break
from tests.factories.accounts import a_staff_account, is_problem, rows
from tests.factories.shop import (
    a_confirmed_order,
    a_variant,
    an_order,
    come_due,
    everything,
    process_until_ended,
    run_unit,
    state_of,
    stock_of,
)

pytestmark = pytest.mark.usefixtures("gateway")


@pytest.fixture
def staff(client):
    return a_staff_account(client)


def guests(client, make):
    """An order of a guest, and the headers that the guest sends."""
    with client.application.app_context():
        order = make()
        return order, {"X-Order-Token": order_token(order.id)}


def finish(client, order):
    with client.application.app_context():
        come_due(order)
        process_until_ended(order)
        return state_of(order)


def refund(staff, order, key="refund-1", **body):
    headers = staff.headers | ({"Idempotency-Key": key} if key else {})
    return staff.client.post(f"/api/v1/admin/orders/{order.number}/refund", json=body, headers=headers)


def usd(amount):
    return {"amount": amount, "currency": "USD"}


def test_a_guest_cancels_and_hears_that_the_money_went_back(client):
    order, headers = guests(client, a_confirmed_order)
    answer = client.post(f"/api/v1/orders/{order.number}/cancel", headers=headers)
    assert (answer.status_code, answer.json["status"]) == (202, "cancelled")
    assert finish(client, order) == ("cancelled", "refunded")
    told = client.get(f"/api/v1/orders/{order.number}", headers=headers).json
    assert told["payment"]["refunded"] == usd(order.total)
    events = client.get(f"/api/v1/orders/{order.number}/events", headers=headers).json["items"]
    assert [e["type"] for e in events][-2:] == ["order.cancelled", "order.refunded"]
    assert events[-2]["data"]["by"] == "shopper"
    mailed = rows(client, "SELECT e.type FROM pending_facts p JOIN order_events e ON e.order_id = :id"
                  " AND p.data = jsonb_build_object('order_id', e.order_id, 'seq', e.seq)"
                  " AND p.consumer = 'notifications'", id=order.id)  # fmt: skip
    assert len(mailed) == 4  # placed, confirmed, cancelled, refunded


def test_an_order_that_left_is_not_cancelled(client):
    order, headers = guests(client, a_confirmed_order)
    with client.application.app_context():
        run_unit(lambda: breaks.db.run("UPDATE orders SET fulfilment_status = 'shipped'"))
        before = everything()
        is_problem(client.post(f"/api/v1/orders/{order.number}/cancel", headers=headers), 409, "not_cancellable")
        assert everything() == before


def test_a_key_makes_a_second_cancellation_the_first_answer(client):
    order, headers = guests(client, an_order)
    first, second = (
        client.post(f"/api/v1/orders/{order.number}/cancel", headers=headers | {"Idempotency-Key": "once"})
        for _ in range(2)
    )
    assert (first.json, second.headers.get("Idempotent-Replayed")) == (second.json, "true")


def test_staff_refund_parts_once_for_each_key_and_only_what_is_left(staff):
    client = staff.client
    order, _ = guests(client, lambda: a_confirmed_order(items={a_variant(price=1000): 1}))
    for _ in range(2):
        answer = refund(staff, order, amount=usd(400), reason="Scratched")
        assert answer.status_code == 202, answer.json
    assert finish(client, order) == ("confirmed", "partially_refunded")
    is_problem(refund(staff, order, amount=usd(401), key="refund-1"), 422, "idempotency_key_reused")
    refused = refund(staff, order, key="refund-2", amount=usd(1101))
    is_problem(refused, 409, "not_refundable")
    assert refused.json["left"] == usd(1100)
    (paid,) = staff.get(f"/admin/orders/{order.number}/payments").json["items"]
    assert (paid["captured"], paid["refunded"], paid["refunding"]) == (usd(1500), usd(400), usd(0))
    made = [(a["kind"], a["state"], a["reason"]) for a in paid["attempts"]]
    assert ("refund", "succeeded", "Scratched") in made
    assert [kind for kind, _, _ in made] == ["authorize", "capture", "refund"]
    told = rows(client, "SELECT data FROM audit_log WHERE action = 'admin_orders.refund' AND outcome = 'done'"
                " AND target = :order", order=f"order:{order.number}")  # fmt: skip
    assert [a.data["after"] for a in told] == [usd(400)]


@pytest.mark.parametrize(
    ("body", "key", "status", "code"),
    [
        ({"amount": usd(1)}, None, 400, "idempotency_key_required"),
        ({"amount": usd(0)}, "k", 422, "validation_failed"),
        ({"amount": {"amount": 1, "currency": "EUR"}}, "k", 422, "validation_failed"),
        ({"amount": {"amount": 1.5, "currency": "USD"}}, "k", 422, "validation_failed"),
        ({"amount": {"amount": "1", "currency": "USD"}}, "k", 422, "validation_failed"),
        ({}, "k", 422, "validation_failed"),
        ({"amount": usd(1), "to": "another card"}, "k", 422, "validation_failed"),
    ],
)
def test_refunds_that_are_not_well_formed_change_nothing(staff, body, key, status, code):
    order, _ = guests(staff.client, a_confirmed_order)
    is_problem(refund(staff, order, key=key, **body), status, code)
    assert rows(staff.client, "SELECT 1 FROM payment_attempts WHERE kind = 'refund'") == []


def test_staff_cancel_what_waits_for_a_person(staff):
    with staff.client.application.app_context():
        mug = a_variant(stock=5)
        order = an_order({mug: 1})
        run_unit(lambda: breaks.db.run("UPDATE order_processing SET attempt = 5"))
        processing.process(order.id)
        assert state_of(order)[0] == "on_hold"
    answer = staff.client.post(f"/api/v1/admin/orders/{order.number}/cancel", headers=staff.headers)
    assert (answer.status_code, answer.json["status"], answer.json["payment_status"]) == (202, "cancelled", "voided")
    with staff.client.application.app_context():
        assert stock_of(mug) == (5, 0)


def test_a_shopper_back_from_the_bank_has_the_payment_looked_at_now(client):
    with client.application.app_context():
        order = an_order(token="tok_challenge")
        processing.process(order.id)
    headers = {"X-Order-Token": order_token_of(client, order)}
    answer = client.post(f"/api/v1/orders/{order.number}/pay/confirm", headers=headers)
    assert (answer.status_code, answer.json["payment_status"]) == (202, "requires_action")
    due = rows(client, "SELECT next_run_at <= now() AS due FROM order_processing")[0].due
    assert due
    assert client.post(f"/api/v1/orders/{order.number}/pay/confirm").status_code == 404


def order_token_of(client, order):
    with client.application.app_context():
        return order_token(order.id)


def test_staff_see_breaks_and_close_them_with_a_note(staff):
    client = staff.client
    with client.application.app_context():
        order = a_confirmed_order(caller=Caller())
        found = Break("captured_differs", "simulator", "key-1", "USD", 1500, 0, order.id, "ch_1")
        for _ in range(3):
            run_unit(lambda: breaks.note(found))
    told = staff.get("/admin/payments/breaks").json
    assert told["open"] == 1
    (item,) = told["items"]
    assert (item["kind"], item["order"], item["expected"], item["found"]) == (
        "captured_differs",
        order.number,
        usd(1500),
        usd(0),
    )
    path = f"/api/v1/admin/payments/breaks/{item['id']}/close"
    is_problem(client.post(path, json={}, headers=staff.headers), 422, "validation_failed")
    assert client.post(path, json={"note": "Settled by hand"}, headers=staff.headers).status_code == 204
    is_problem(client.post(path, json={"note": "Again"}, headers=staff.headers), 409, "break_closed")
    with client.application.app_context():
        run_unit(lambda: breaks.note(found))  # the same figures: what staff said stands
    assert staff.get("/admin/payments/breaks").json == {"items": [], "next_cursor": None, "open": 0}
    (closed,) = staff.get("/admin/payments/breaks?state=closed").json["items"]
    assert (closed["closed_by"], closed["note"]) == ("staff", "Settled by hand")
    with client.application.app_context():
        run_unit(lambda: breaks.note(Break("captured_differs", "simulator", "key-1", "USD", 1500, 700)))
    assert staff.get("/admin/payments/breaks").json["open"] == 1
