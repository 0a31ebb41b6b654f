"""Staff's work on orders by API: what it answers, what it refuses, and what the audit log keeps of it."""

import pytest

from quickshop.orders import processing
from tests.factories import shop
from tests.factories.accounts import a_staff_account, is_problem, rows

pytestmark = pytest.mark.usefixtures("gateway")
ADMIN = "/api/v1/admin"


@pytest.fixture
def staff(client):
    return a_staff_account(client)


def make(client, maker, **more):
    with client.application.app_context():
        return maker(**more)


def post(staff, path, body=None, **headers):
    return staff.client.post(f"{ADMIN}{path}", json=body, headers=staff.headers | headers)


def test_a_failed_task_is_listed_and_replayed(client, staff):
    order = make(client, shop.an_order_on_hold)
    (task,) = staff.get("/admin/failed-tasks").json["items"]
    assert (task["number"], task["reason"], task["stage"]) == (order.number, "needs_review", "authorize")
    waiting = staff.get("/admin/processing?stage=hold").json
    assert waiting["items"][0]["number"] == order.number and waiting["summary"][0]["orders"] == 1
    again = post(staff, f"/failed-tasks/{task['id']}/replay")
    assert (again.status_code, again.json["status"]) == (202, "placed")
    with client.application.app_context():
        processing.process(order.id)
    assert is_problem(post(staff, f"/failed-tasks/{task['id']}/replay"), 409, "not_failed")
    assert is_problem(post(staff, "/failed-tasks/x/replay"), 404, "not_found")
    found = staff.get(f"/admin/orders/{order.number}/stages").json
    assert [s["outcome"] for s in found["items"]] == ["gave_up", "replayed", "passed", "passed"]
    told = rows(client, "SELECT action FROM audit_log WHERE target = :t", t=f"order:{order.number}")
    assert [entry.action for entry in told] == ["admin_order_work.replay"]


def test_holds_notes_and_bulk_actions(client, staff):
    order = make(client, shop.an_order)
    held = post(staff, f"/orders/{order.number}/hold")
    assert (held.json["status"], held.json["hold_reason"]) == ("on_hold", "staff")
    assert post(staff, f"/orders/{order.number}/notes", {"body": "Rang."}).status_code == 201
    (note,) = staff.get(f"/admin/orders/{order.number}/notes").json["items"]
    assert (note["body"], note["author"]) == ("Rang.", staff.username)
    assert "Rang" not in str(rows(client, "SELECT data FROM audit_log"))
    done = post(staff, "/orders/bulk", {"action": "release", "numbers": [order.number, "QS-1"]}).json["items"]
    assert [row["code"] for row in done] == [None, "not_found"]
    assert is_problem(post(staff, f"/orders/{order.number}/release"), 409, "not_waiting")
    for wrong in ({"action": "sell", "numbers": ["QS-1"]}, {"action": "hold", "numbers": []}):
        assert is_problem(post(staff, "/orders/bulk", wrong), 422, "validation_failed")
    assert staff.get(f"/admin/orders?number={order.number}&status=placed").json["items"][0]["number"] == order.number


def test_an_edit_answers_with_what_goes_back_and_the_draft_of_what_is_added(client, staff):
    mug = make(client, shop.a_variant, stock=9)
    order = make(client, shop.a_confirmed_order, items={mug: 3})
    body = {"lines": [{"line": 1, "quantity": 1}], "add": [{"variant_id": str(mug), "quantity": 1}]}
    key = {"Idempotency-Key": "edit-1"}
    first, again = (post(staff, f"/orders/{order.number}/edit", body, **key) for _ in range(2))
    assert first.json["refunded"] == {"amount": 2000, "currency": "USD"}
    assert first.json["order"]["items"][0]["units"]["cancelled"] == 2
    assert again.headers["Idempotent-Replayed"] == "true"
    draft = first.json["draft"]
    assert (draft["for_order"], draft["totals"]["total"]["amount"]) == (order.number, 1000)
    pay = {"payment": {"token": "tok_approve"}, "expected_total": draft["totals"]["total"]}
    token = {"X-Draft-Token": draft["token"]}
    assert client.get("/api/v1/draft-order", headers=token).json["number"] == draft["number"]
    assert is_problem(client.post("/api/v1/draft-order/pay", json=pay, headers=token), 400, "idempotency_key_required")
    made = [
        client.post("/api/v1/draft-order/pay", json=pay, headers=token | {"Idempotency-Key": key})
        for key in ("a", "a", "b")
    ]
    assert [answer.status_code for answer in made] == [202] * 3
    assert len({answer.json["number"] for answer in made}) == 1
    assert is_problem(client.get("/api/v1/draft-order", headers={"X-Draft-Token": "x"}), 404, "not_found")
    for wrong in ({}, {"lines": [{"line": 1, "quantity": 1}] * 2}, {"lines": [{"line": 0, "quantity": 1}]}):
        assert is_problem(post(staff, f"/orders/{order.number}/edit", wrong), 422, "validation_failed")


def test_a_draft_names_one_customer(client, staff):
    mug = make(client, shop.a_variant, stock=9)
    body = {
        "items": [{"variant_id": str(mug), "quantity": 2}],
        "shipping_address": shop.ADDRESS,
        "shipping_method": "standard",
        "email": "robin@quickshop.example",
    }
    made = post(staff, "/draft-orders", body)
    assert made.status_code == 201 and made.json["url"].endswith(made.json["token"])
    assert post(staff, f"/draft-orders/{made.json['id']}/send").status_code == 202
    assert [d["number"] for d in staff.get("/admin/draft-orders?state=open").json["items"]] == [made.json["number"]]
    assert post(staff, f"/draft-orders/{made.json['id']}/cancel").json["state"] == "cancelled"
    assert is_problem(post(staff, f"/draft-orders/{made.json['id']}/send"), 409, "draft_closed")
    assert is_problem(post(staff, "/draft-orders", body | {"customer_id": str(mug)}), 422, "validation_failed")
    assert is_problem(post(staff, "/draft-orders", body | {"shipping_method": "pigeon"}), 422, "validation_failed")
