"""The pages on which orders are cancelled, money is given back, and breaks are looked at; all without scripts."""

import re
from uuid import uuid4

import pytest

from quickshop.accounts.callers import Caller
from quickshop.kernel.unit_of_work import run_unit
from quickshop.payments import breaks
from quickshop.payments.breaks import Break
from tests.factories.accounts import a_staff_account, an_account, rows
from tests.factories.pages import hidden_fields, submit
from tests.factories.shop import a_confirmed_order, a_declined_order, come_due, process_until_ended, state_of

pytestmark = pytest.mark.usefixtures("gateway")


@pytest.fixture
def admin(client):
    account = a_staff_account(client)
    client.set_cookie("access", account.access_token)
    return account


def an_order_of(account, make=a_confirmed_order):
    """An order of this account, which its browser sees."""
    user = rows(account.client, "SELECT id FROM users WHERE username = :name", name=account.username)[0].id
    with account.client.application.app_context():
        return make(caller=Caller(user_id=user, email_verified=True))


def finish(client, order):
    with client.application.app_context():
        come_due(order)
        process_until_ended(order)
        return state_of(order)


def test_a_member_cancels_on_the_orders_page_and_reads_what_became_of_the_money(client):
    ada = an_account(client)
    client.set_cookie("access", ada.access_token)
    order = an_order_of(ada)
    address = f"/orders/{order.number}"
    assert "Yes, cancel order" in client.get(address).text
    assert submit(client, f"{address}/cancel").status_code == 303
    page = client.get(address).text
    assert "Cancelled" in page and "Yes, cancel order" not in page
    assert finish(client, order) == ("cancelled", "refunded")
    assert "The money has gone back" in client.get(f"{address}/live").text


def test_an_order_that_left_cannot_be_cancelled_on_its_page(client):
    ada = an_account(client)
    client.set_cookie("access", ada.access_token)
    order = an_order_of(ada)
    with client.application.app_context():
        run_unit(lambda: breaks.db.run("UPDATE orders SET fulfilment_status = 'shipped'"))
    assert "Yes, cancel order" not in client.get(f"/orders/{order.number}").text
    answer = submit(client, f"/orders/{order.number}/cancel")
    assert (answer.status_code, "ask for a return instead" in answer.text) == (409, True)


def test_strangers_cancel_nothing(client):
    order = an_order_of(an_account(client))
    client.set_cookie("access", an_account(client).access_token)
    assert submit(client, f"/orders/{order.number}/cancel").status_code == 404


def test_staff_give_money_back_on_the_orders_page_once_for_each_form(client, admin):
    order = an_order_of(admin)
    address = f"/admin/orders/{order.number}"
    page = client.get(address).text
    fields = {"idempotency_key": re.search(r'name="idempotency_key" value="([^"]+)"', page)[1], "reason": "Scratched"}
    for _ in range(2):
        assert submit(client, f"{address}/refund", fields | {"amount": "4.00"}).status_code == 303
    assert finish(client, order) == ("confirmed", "partially_refunded")
    page = client.get(address).text
    assert page.count("Scratched") == 1
    answer = submit(client, f"{address}/refund", {"idempotency_key": str(uuid4()), "amount": "1000"})
    assert (answer.status_code, "Less than that is left" in answer.text) == (409, True)
    for amount in ("", "nothing", "-1", "1.005"):
        fields = {"idempotency_key": str(uuid4()), "amount": amount}
        assert submit(client, f"{address}/refund", fields).status_code == 422
    assert rows(client, "SELECT refunded_minor FROM payments")[0].refunded_minor == 400


def test_staff_cancel_on_the_orders_page(client, admin):
    order = an_order_of(admin)
    assert submit(client, f"/admin/orders/{order.number}/cancel").status_code == 303
    assert finish(client, order) == ("cancelled", "refunded")


def test_who_may_only_read_sees_no_buttons_and_gets_no_further(client):
    support = a_staff_account(client, "support")
    client.set_cookie("access", support.access_token)
    order = an_order_of(support)
    page = client.get(f"/admin/orders/{order.number}").text
    assert "Give back" not in page and "Cancel order" not in page
    assert submit(client, f"/admin/orders/{order.number}/refund", {"amount": "1"}).status_code == 403
    assert submit(client, f"/admin/orders/{order.number}/cancel").status_code == 403


def test_breaks_are_shown_and_closed_with_a_note(client, admin):
    assert "Everything adds up" in client.get("/admin/payments").text
    order = an_order_of(admin, a_declined_order)
    with client.application.app_context():
        run_unit(lambda: breaks.note(Break("still_reserved", "simulator", "key", "USD", 0, 1500, order.id)))
    page = client.get("/admin/payments").text
    assert order.number in page and "15.00" in page
    close = re.search(r'action="(/admin/payments/[^"]+/close)"', page)[1]
    assert submit(client, close, {"note": ""}).status_code == 422
    assert submit(client, close, {"note": "Voided by hand"}).status_code == 303
    assert "Everything adds up" in client.get("/admin/payments").text
    assert "Voided by hand" in client.get("/admin/payments?state=closed").text
    assert hidden_fields(client.get("/admin/payments").text)
