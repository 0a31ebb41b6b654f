"""The inbox, quiet hours and ending mails by pages; what was told of an order; the messages as staff see them."""

import re
from urllib.parse import unquote, urlsplit

import pytest

from quickshop.accounts.callers import Caller
from quickshop.notifications import service, unsubscribing
from tests.factories.accounts import execute, rows
from tests.factories.pages import a_person, sign_in, submit
from tests.factories.shop import an_order
from tests.factories.staff_pages import a_staff_client
from tests.factories.telling import happen

QUIET = {"from": "22:00", "to": "07:00", "timezone": "Europe/Berlin"}


@pytest.fixture
def order(app, ada):
    """An order of Ada, of which she was told twice."""
    with app.app_context():
        placed = an_order(caller=Caller(user_id=ada, email_verified=True))
        happen(placed, {"order.shipped": {"whole": True}})
        service.drain()
    return placed


def badge(page):
    found = re.search(r'id="unread-count"[^>]*?( hidden)?>.*?data-number>([^<]*)<', page)
    return None if found[1] else found[2]


def messages(client):
    return rows(client, "SELECT id, kind, read_at FROM inbox_messages ORDER BY at DESC")


@pytest.mark.parametrize("address", ["/account/inbox", "/account/inbox/list", "/account/inbox/unread"])
def test_it_is_for_members(client, address):
    assert client.get(address).location.startswith("/sign-in")
    assert 'id="unread-count"' not in client.get("/").text


def test_what_happened_stands_there_newest_first_and_in_the_header(client, order):
    page = client.get("/account/inbox").text
    assert page.index(f"Order {order.number} is on its way") < page.index(f"We have your order {order.number}")
    assert badge(page) == badge(client.get("/").text) == "2"


def test_a_message_is_read_and_leads_to_its_order(client, order):
    newest, _ = messages(client)
    answer = submit(client, f"/account/inbox/{newest.id}", {"open": "1"})
    assert (answer.status_code, answer.location) == (303, f"/orders/{order.number}")
    assert [m.read_at is not None for m in messages(client)] == [True, False]
    only = client.get("/account/inbox?show=unread").text
    assert "is on its way" not in only and badge(only) == "1"
    assert submit(client, "/account/inbox/read-all").location == "/account/inbox"
    assert badge(client.get("/account/inbox").text) is None


def test_the_language_of_the_inbox_is_that_of_its_reader_now(client, order):
    execute(client, "UPDATE users SET locale = 'de'")
    assert f"Bestellung {order.number} ist unterwegs" in client.get("/account/inbox").text


def test_nobody_reads_or_opens_the_messages_of_others(client, app, order):
    newest = messages(client)[0]
    a_person(app, "kim")
    other = app.test_client()
    sign_in(other, "kim")
    assert "on its way" not in other.get("/account/inbox").text
    assert submit(other, f"/account/inbox/{newest.id}", {"open": "1"}).status_code == 404
    assert messages(client)[0].read_at is None


def test_the_page_of_an_order_says_what_was_told_of_it(client, order):
    page = client.get(f"/orders/{order.number}").text
    assert "What we told you" in page
    assert page.count(f"Order {order.number} is on its way") == 2  # by mail, and in the inbox


# --- quiet hours ----------------------------------------------------------------------------------------


def test_quiet_hours_are_turned_on_changed_and_off(client, ada):
    assert submit(client, "/account/preferences/quiet", QUIET).location == "/account/preferences?saved=1"
    assert 'value="Europe/Berlin" selected' in client.get("/account/preferences").text
    submit(client, "/account/preferences/quiet", QUIET | {"from": "23:15"})
    assert rows(client, "SELECT begins, ends FROM quiet_hours")[0] == (23 * 60 + 15, 7 * 60)
    submit(client, "/account/preferences/quiet", {"off": "1"})
    assert rows(client, "SELECT 1 FROM quiet_hours") == []


@pytest.mark.parametrize("wrong", [{"timezone": "Mars/Olympus"}, {"to": "22:00"}, {"from": "late"}])
def test_wrong_quiet_hours_are_refused_with_a_sentence(client, ada, wrong):
    answer = submit(client, "/account/preferences/quiet", QUIET | wrong)
    assert answer.status_code == 422 and 'role="alert"' in answer.text
    assert rows(client, "SELECT 1 FROM quiet_hours") == []


def test_the_shops_own_affairs_are_for_its_staff_and_a_shoppers_form_leaves_them_alone(client, ada):
    assert "shop.email" not in client.get("/account/preferences").text
    submit(client, "/account/preferences", {"orders.email": "on"})
    assert rows(client, "SELECT 1 FROM preferences WHERE topic = 'shop'") == []


# --- ending mails ---------------------------------------------------------------------------------------


@pytest.fixture
def link(app, member):
    with app.app_context():
        found = urlsplit(unsubscribing.link(member, "order.shipped"))
    return f"{found.path}?{found.query}"


def wanted(client):
    return [tuple(r) for r in rows(client, "SELECT topic, channel, enabled FROM preferences")]


def test_the_link_in_a_mail_asks_first_and_needs_no_account(client, link):
    page = client.get(link).text
    assert "No more of these mails?" in page and "deliveries" in page
    assert wanted(client) == []
    token = link.partition("token=")[2]
    assert "You are unsubscribed" in submit(client, "/unsubscribe", {"token": token}).text
    assert wanted(client) == [("delivery", "email", False)]
    assert "All as before" in submit(client, "/unsubscribe", {"token": token, "again": "1"}).text
    assert wanted(client) == [("delivery", "email", True)]


def test_a_mail_program_ends_them_with_one_post_without_cookie_or_token(client, link):
    answer = client.post(f"/api/v1{link}", data={"List-Unsubscribe": "One-Click"})
    assert (answer.status_code, wanted(client)) == (204, [("delivery", "email", False)])
    assert unquote(client.get(f"/api/v1{link}").location).endswith(link)


@pytest.mark.parametrize(
    "spoil", [lambda token: token.replace("delivery", "orders"), lambda token: "", lambda token: "x" * 99]
)
def test_a_link_that_was_changed_ends_nothing(client, link, spoil):
    token = spoil(link.partition("token=")[2])
    assert client.get(f"/unsubscribe?token={token}").status_code == 400
    assert submit(client, "/unsubscribe", {"token": token}).status_code == 400
    assert client.post(f"/api/v1/unsubscribe?token={token}").status_code in (400, 422)
    assert wanted(client) == []


# --- staff ----------------------------------------------------------------------------------------------


def test_staff_see_what_was_sent_and_send_it_again(client, app, order):
    staff = a_staff_client(app, "admin")
    page = staff.get(f"/admin/messages?order={order.number}&channel=email").text
    assert page.count(f"Order {order.number} is on its way") >= 1 and "ada@quickshop.example" not in page
    shipped = rows(client, "SELECT id FROM deliveries WHERE kind = 'order.shipped' AND channel = 'email'")[0].id
    answer = submit(staff, f"/admin/messages/{shipped}/resend?order={order.number}")
    assert answer.location == f"/admin/messages?order={order.number}&sent=1"
    assert submit(staff, f"/admin/messages/{shipped}/resend").status_code == 409  # it waits already
    with app.app_context():
        service.drain()
    again = rows(client, "SELECT state, resend_of FROM deliveries WHERE resend_of IS NOT NULL")
    assert [tuple(r) for r in again] == [("sent", shipped)]
    told = f"delivery:{shipped}"
    audit = rows(client, "SELECT action FROM audit_log WHERE target = :target", target=told)
    assert [r.action for r in audit] == ["staff.resend_message"]


def test_a_channel_that_is_away_stands_on_top(client, app, order):
    execute(
        client,
        "INSERT INTO channel_pauses (channel, since, try_at, reason)"
        " VALUES ('email', now(), now(), 'ConnectionRefusedError')",
    )
    assert "E-mail is away" in a_staff_client(app, "admin").get("/admin/messages").text


def test_support_sees_messages_and_may_not_send(client, app, order):
    staff = a_staff_client(app, "support")
    assert "Send again" not in staff.get("/admin/messages").text
    email = rows(client, "SELECT id FROM deliveries WHERE channel = 'email'")[0].id
    assert submit(staff, f"/admin/messages/{email}/resend").status_code == 403
