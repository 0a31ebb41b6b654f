"""Returns by API: the way of a guest's return with its picture, what staff do, keys, and finding orders again."""

import io
from datetime import timedelta

import pytest

from quickshop.accounts.callers import Caller
from quickshop.kernel import clock
from quickshop.orders.viewers import order_token
from tests.factories import returns
from tests.factories.accounts import a_staff_account, an_account, is_problem, rows
from tests.factories.shop import a_confirmed_order, a_variant, an_order
from tests.factories.uploads import drawn

pytestmark = pytest.mark.usefixtures("gateway")


def guests(client, make):
    """An order of a guest, and the headers that the guest sends."""
    with client.application.app_context():
        order = make()
        return order, {"X-Order-Token": order_token(order.id)}


def post(client, path, headers, body=None, key=None):
    more = {"Idempotency-Key": key} if key else {}
    return client.post(f"/api/v1{path}", json=body, headers=headers | more)


def test_a_guests_return_from_the_first_look_to_the_money(client):
    order, guest = guests(client, lambda: returns.a_delivered_order({a_variant(stock=5, price=1000): 2}))
    path = f"/orders/{order.number}/returns"
    seen = client.get(f"/api/v1{path}", headers=guest).json
    assert [(line["line"], line["quantity"]) for line in seen["returnable"]] == [(1, 2)]
    wish = {"lines": [{"line": 1, "quantity": 1}], "reason": "damaged", "note": "The handle is off."}
    first, again = (post(client, path, guest, wish, key="return-1") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotent-Replayed"] == "true" and again.json == first.json
    picture = {"file": (io.BytesIO(drawn()), "broken.jpg")}
    added = client.post(f"/api/v1{path}/1/photos", data=picture, headers=guest)
    assert added.status_code == 201
    shown = client.get(added.json["url"], headers=guest)
    assert shown.mimetype == "image/webp" and shown.headers["X-Content-Type-Options"] == "nosniff"
    assert shown.headers["Cache-Control"] == "private, no-store"
    assert client.get(added.json["url"]).status_code == 404
    assert client.get(added.json["url"].replace("/photos/1", "/photos/2"), headers=guest).status_code == 404

    staff = a_staff_account(client)
    (waiting,) = staff.get("/admin/returns?state=requested").json["items"]
    here = f"/admin/returns/{waiting['id']}"
    assert staff.get(f"{here}/photos/1").mimetype == "image/webp"
    assert post(client, f"{here}/approve", staff.headers).json["state"] == "approved"
    came = {"lines": [{"line": 1, "received": 1, "restocked": 0}]}
    assert post(client, f"{here}/receive", staff.headers, came).json["state"] == "received"
    assert is_problem(post(client, f"{here}/receive", staff.headers, came), 409, "wrong_state")
    assert is_problem(post(client, f"{here}/refund", staff.headers, {}), 400, "idempotency_key_required")
    for _ in range(2):
        paid = post(client, f"{here}/refund", staff.headers, {}, key="refund-1")
        assert (paid.status_code, paid.json["refund"]["amount"]) == (202, {"amount": 1000, "currency": "USD"})
    after = client.get(f"/api/v1{path}/1", headers=guest).json
    assert (after["state"], after["note"]) == ("refunded", "The handle is off.")
    items = client.get(f"/api/v1/orders/{order.number}", headers=guest).json["items"]
    assert items[0]["units"]["returned"] == 1
    audited = rows(client, "SELECT data FROM audit_log WHERE target = :t", t=f"return:{waiting['id']}")
    assert len(audited) == 3 and "handle" not in str(audited)


@pytest.mark.parametrize(
    ("wish", "status", "code"),
    [
        ({"lines": [], "reason": "other"}, 422, "validation_failed"),
        ({"lines": [{"line": 1, "quantity": 1}], "reason": "because"}, 422, "validation_failed"),
        ({"lines": [{"line": 1, "quantity": 1}], "reason": "other", "extra": 1}, 422, "validation_failed"),
        ({"lines": [{"line": 9, "quantity": 1}], "reason": "other"}, 422, "validation_failed"),
        ({"lines": [{"line": 1, "quantity": 3}], "reason": "other"}, 409, "not_returnable"),
        ({"lines": [{"line": 1, "quantity": 1}], "reason": "other", "resolution": "credit"}, 422, "validation_failed"),
    ],
)
def test_what_cannot_come_back_is_refused_in_words(client, wish, status, code):
    order, guest = guests(client, lambda: returns.a_delivered_order({a_variant(stock=5): 2}))
    assert is_problem(post(client, f"/orders/{order.number}/returns", guest, wish), status, code)
    assert rows(client, "SELECT 1 FROM returns") == []


def test_no_picture_and_a_sixth_one_are_refused(client):
    order, guest = guests(client, lambda: returns.a_delivered_order({a_variant(stock=5): 2}))
    with client.application.app_context():
        returns.ask(order)
    path = f"/api/v1/orders/{order.number}/returns/1/photos"
    raw = drawn(220, 210)
    for file, status in ((b"no picture", 422), *[(raw, 201)] * 5, (raw, 409)):
        assert client.post(path, data={"file": (io.BytesIO(file), "a.jpg")}, headers=guest).status_code == status
    assert client.post(path, data={"file": (io.BytesIO(raw), "a.jpg")}).status_code == 404


def test_cancelling_is_instant_and_after_packing_a_wish_that_staff_answer(client):
    free, guest = guests(client, a_confirmed_order)
    answer = post(client, f"/orders/{free.number}/cancel", guest)
    assert (answer.status_code, answer.json["status"], answer.json["cancellation"]) == (202, "cancelled", None)
    packed, guest = guests(client, lambda: returns.pack(a_confirmed_order()))
    answer = post(client, f"/orders/{packed.number}/cancel", guest)
    assert (answer.status_code, answer.json["status"]) == (202, "confirmed")
    wish = answer.json["cancellation"]
    staff = a_staff_account(client)
    assert [w["id"] for w in staff.get("/admin/cancellation-requests?state=requested").json["items"]] == [wish["id"]]
    here = f"/admin/cancellation-requests/{wish['id']}"
    assert post(client, f"{here}/refuse", staff.headers, {"answer": "On the van."}).json["state"] == "refused"
    assert is_problem(post(client, f"{here}/grant", staff.headers), 409, "wrong_state")
    seen = client.get(f"/api/v1/orders/{packed.number}", headers=guest).json
    assert (seen["cancellation"]["state"], seen["cancellation"]["answer"]) == ("refused", "On the van.")
    post(client, f"/orders/{packed.number}/cancel", guest)
    (again,) = staff.get("/admin/cancellation-requests?state=requested").json["items"]
    assert post(client, f"/admin/cancellation-requests/{again['id']}/grant", staff.headers).status_code == 202
    assert client.get(f"/api/v1/orders/{packed.number}", headers=guest).json["status"] == "cancelled"


def test_orders_are_found_by_state_day_and_what_was_in_them(client):
    account = an_account(client)
    with client.application.app_context():
        user_id = rows(client, "SELECT id FROM users")[0].id
        member = Caller(user_id=user_id, email_verified=True)
        mug = a_variant(stock=9, sku="MUG_1")
        open_, arrived = an_order(caller=member), returns.a_delivered_order({mug: 2, a_variant(): 1}, caller=member)
        gone = a_confirmed_order(caller=member)
        returns.ask_to_cancel(gone)
    today, tomorrow = clock.now().date(), clock.now().date() + timedelta(days=1)
    expected = {
        "": [open_, arrived, gone],
        "?state=open": [open_],
        "?state=delivered": [arrived],
        "?state=returned": [],
        "?state=cancelled": [gone],
        "?q=mug_1": [arrived],
        "?q=%25": [],
        f"?q={open_.number}": [open_],
        f"?since={today - timedelta(days=1)}&until={tomorrow}": [open_, arrived, gone],
        f"?since={tomorrow + timedelta(days=1)}": [],
        f"?until={today - timedelta(days=2)}": [],
    }
    for query, orders in expected.items():
        found = account.get(f"/orders{query}").json["items"]
        assert {o["number"] for o in found} == {o.number for o in orders}, query
    (seen,) = account.get("/orders?q=MUG_1").json["items"]
    assert {line["quantity"] for line in seen["lines"]} == {1, 2} and seen["more_lines"] == 0
    first = account.get("/orders?limit=2").json
    rest = account.get(f"/orders?limit=2&cursor={first['next_cursor']}").json
    assert [o["number"] for o in first["items"] + rest["items"]] == [gone.number, arrived.number, open_.number]
    assert account.get("/orders?state=lost").status_code == 422
