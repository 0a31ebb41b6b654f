"""The inbox by API, what was told of an order, quiet hours; staff's log of deliveries and sending again."""

import pytest

from quickshop.accounts.callers import Caller
from quickshop.accounts.queries import user_id_of_login
from quickshop.kernel.unit_of_work import reading
from quickshop.notifications import service
from tests.factories.accounts import a_staff_account, an_account, is_problem, rows
from tests.factories.shop import an_order
from tests.factories.telling import happen

QUIET = {"from": "22:30", "to": "06:00", "timezone": "Europe/Berlin"}


@pytest.fixture
def ada(client):
    return an_account(client)


@pytest.fixture
def order(app, ada):
    with app.app_context():
        with reading():
            user_id = user_id_of_login(ada.email)
        placed = an_order(caller=Caller(user_id=user_id, email_verified=True))
        happen(placed, {"order.shipped": {"whole": False}, "order.delivered": {"whole": True}})
        service.drain()
    return placed


def post(account, path, body=None):
    return account.client.post(f"/api/v1{path}", json=body, headers=account.headers)


def test_the_inbox_is_read_page_by_page_newest_first(ada, order):
    first = ada.get("/notifications?limit=2").json
    rest = ada.get(f"/notifications?limit=2&cursor={first['next_cursor']}").json
    items = first["items"] + rest["items"]
    assert [i["kind"] for i in items] == ["order.delivered", "order.shipped", "order.placed"]
    assert items[1] == items[1] | {
        "topic": "delivery",
        "title": f"A part of order {order.number} is on its way",
        "link": f"/orders/{order.number}",
        "order_number": order.number,
        "read_at": None,
    }
    assert (first["unread"], rest["next_cursor"]) == (3, None)


def test_reading_is_told_to_the_members_other_devices(ada, order):
    newest = ada.get("/notifications").json["items"][0]["id"]
    for _ in range(2):  # again is no fault, and tells nothing
        assert post(ada, f"/notifications/{newest}/read").json == {"unread": 2}
    assert [i["kind"] for i in ada.get("/notifications?unread=true").json["items"]] == ["order.shipped", "order.placed"]
    assert post(ada, "/notifications/read-all").json == {"unread": 0}
    told = [e for e in ada.get("/me/events").json["items"] if e["type"].startswith("notification.")]
    assert [(e["type"], e["data"]["unread"]) for e in told] == [
        ("notification.created", 3),
        ("notification.created", 3),
        ("notification.created", 3),
        ("notification.read", 2),
        ("notification.read", 0),
    ]
    assert "Robin" not in str(told)


def test_the_messages_of_others_are_not_there(client, ada, order):
    newest = ada.get("/notifications").json["items"][0]["id"]
    other = an_account(client)
    assert other.get("/notifications").json["items"] == []
    assert is_problem(post(other, f"/notifications/{newest}/read"), 404, "not_found")
    assert is_problem(other.get(f"/orders/{order.number}/notifications"), 404, "not_found")
    assert is_problem(post(other, "/notifications/nonsense/read"), 404, "not_found")


def test_what_was_told_of_an_order_is_shown_to_who_ordered(ada, order):
    told = ada.get(f"/orders/{order.number}/notifications").json["items"]
    assert [(t["kind"], t["channel"], t["state"]) for t in told if t["channel"] == "email"] == [
        ("order.placed", "email", "sent"),
        ("order.shipped", "email", "sent"),
        ("order.delivered", "email", "sent"),
    ]
    assert {t["channel"] for t in told} == {"email", "inbox"}


def test_quiet_hours_are_set_kept_and_ended(ada):
    path = "/api/v1/me/preferences"
    answer = ada.client.put(path, json={"quiet_hours": QUIET}, headers=ada.headers)
    assert answer.json["quiet_hours"] == ada.get("/me/preferences").json["quiet_hours"] == QUIET
    ada.client.put(path, json={"topics": {"news": {"push": True}}}, headers=ada.headers)
    assert ada.get("/me/preferences").json["quiet_hours"] == QUIET
    ada.client.put(path, json={"quiet_hours": None}, headers=ada.headers)
    assert ada.get("/me/preferences").json["quiet_hours"] is None


@pytest.mark.parametrize(
    "wrong", [{"timezone": "Moon"}, {"to": "22:30"}, {"from": "25:00"}, {"from": 22}, {"wake": "me"}]
)
def test_wrong_quiet_hours_are_refused(ada, client, wrong):
    answer = ada.client.put("/api/v1/me/preferences", json={"quiet_hours": QUIET | wrong}, headers=ada.headers)
    assert is_problem(answer, 422, "validation_failed")
    assert rows(client, "SELECT 1 FROM quiet_hours") == []


# --- staff ----------------------------------------------------------------------------------------------


@pytest.fixture
def staff(client):
    return a_staff_account(client)


def test_staff_find_deliveries_and_nothing_personal_in_them(staff, ada, order):
    found = staff.get(f"/admin/deliveries?order={order.number}&channel=email&limit=2").json
    assert [d["kind"] for d in found["items"]] == ["order.delivered", "order.shipped"]
    assert found["items"][0]["resendable"] and found["paused"] == []
    assert ada.email not in str(found) and "Robin" not in str(found)
    more = staff.get(f"/admin/deliveries?order={order.number}&channel=email&cursor={found['next_cursor']}").json
    assert [d["kind"] for d in more["items"]] == ["order.placed"]
    assert staff.get("/admin/deliveries?state=pending").json["items"] == []


def test_a_message_is_sent_again_once_for_each_wish(staff, app, order, settings):
    shipped = staff.get(f"/admin/deliveries?order={order.number}&channel=email").json["items"][1]
    assert post(staff, f"/admin/deliveries/{shipped['id']}/resend").status_code == 202
    assert is_problem(post(staff, f"/admin/deliveries/{shipped['id']}/resend"), 409, "resend_waiting")
    for _ in range(2):
        with app.app_context():
            service.drain()
    again = staff.get(f"/admin/deliveries?order={order.number}&channel=email").json["items"][0]
    assert (again["kind"], again["state"], again["resend_of"]) == ("order.shipped", "sent", shipped["id"])
    mails = [line for line in settings.mail_file.read_text().splitlines() if f"A part of order {order.number}" in line]
    assert len(mails) == 2
    assert post(staff, f"/admin/deliveries/{again['id']}/resend").status_code == 202  # a third time, of the same


def test_what_opens_an_account_or_lies_in_an_inbox_is_not_sent_again(staff, app, order):
    with app.app_context():
        service.drain()
    for query in ("channel=inbox", "channel=email"):
        for found in staff.get(f"/admin/deliveries?{query}").json["items"]:
            if found["kind"].startswith("account.") or found["channel"] == "inbox":
                assert not found["resendable"]
                assert is_problem(post(staff, f"/admin/deliveries/{found['id']}/resend"), 409, "not_resendable")
    assert is_problem(post(staff, f"/admin/deliveries/{10**30}/resend"), 404, "not_found")
