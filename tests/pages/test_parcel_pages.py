"""Packing and sending on the staff's page of an order, and parcels on the shopper's; all without scripts."""

import pytest

from quickshop.accounts.callers import Caller
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders import packing, sending, tracking
from tests.factories.accounts import a_staff_account, an_account, rows
from tests.factories.pages import hidden_fields, submit
from tests.factories.shop import a_confirmed_order, a_variant

pytestmark = pytest.mark.usefixtures("gateway")


@pytest.fixture
def admin(client):
    account = a_staff_account(client)
    client.set_cookie("access", account.access_token)
    return account


def an_order(client, caller=None):
    with client.application.app_context():
        items = {a_variant(price=100): 3, a_variant(price=200): 1}
        return a_confirmed_order(items=items, **({"caller": caller} if caller else {}))


def key(client, page):
    """The key of the page's form."""
    return {"idempotency_key": hidden_fields(client.get(page).text)["idempotency_key"]}


def parcels(client):
    return [tuple(r) for r in rows(client, "SELECT number, state, carrier FROM parcels ORDER BY number")]


def test_staff_pack_a_part_send_it_and_say_what_became_of_it(admin, client):
    order = an_order(client)
    page = f"/admin/orders/{order.number}"
    fields = {"units-1": "2", "units-2": "0", "then": "ship", "tracking_number": "BY-HAND-7"}
    assert submit(client, f"{page}/parcels", key(client, page) | fields).status_code == 303
    assert parcels(client) == [(1, "in_transit", "manual")]
    shown = client.get(page).text
    assert "BY-HAND-7" in shown and "of 1" in shown
    [found] = rows(client, "SELECT id FROM parcels")
    assert submit(client, f"/admin/parcels/{found.id}/events", {"state": "delivered"}).status_code == 303
    assert parcels(client) == [(1, "delivered", "manual")]
    told = rows(client, "SELECT data FROM audit_log WHERE action = 'staff.tell_of_parcel' AND outcome = 'done'")
    assert [t.data["after"] for t in told] == [{"parcel": 1, "state": "delivered"}]


def test_a_form_that_is_sent_twice_packs_once_and_what_is_packed_can_be_taken_apart(admin, client):
    order = an_order(client)
    page = f"/admin/orders/{order.number}"
    fields = hidden_fields(client.get(page).text) | {"units-1": "1", "units-2": "1", "then": "pack"}
    for _ in range(2):
        assert client.post(f"{page}/parcels", data=fields).status_code == 303
    assert parcels(client) == [(1, "packed", None)]
    [found] = rows(client, "SELECT id FROM parcels")
    assert submit(client, f"/admin/parcels/{found.id}/unpack").status_code == 303
    assert parcels(client) == [(1, "cancelled", None)]
    assert "Yes, cancel" in client.get(page).text or "Cancel order" in client.get(page).text


@pytest.mark.parametrize("units", [{}, {"units-1": "0"}, {"units-1": "9"}, {"units-7": "1"}, {"units-1": "-1"}])
def test_what_cannot_be_packed_is_refused_in_words(admin, client, units):
    order = an_order(client)
    page = f"/admin/orders/{order.number}"
    assert submit(client, f"{page}/parcels", key(client, page) | {"then": "pack"} | units).status_code == 422
    assert parcels(client) == []


def test_a_shopper_sees_where_their_parcels_are(client):
    ada = an_account(client)
    client.set_cookie("access", ada.access_token)
    user = rows(client, "SELECT id FROM users WHERE username = :name", name=ada.username)[0].id
    order = an_order(client, Caller(user_id=user, email_verified=True))
    page = f"/orders/{order.number}"
    with client.application.app_context():
        first = run_unit(lambda: packing.pack(order.number, {1: 1}, None))
        assert "Paid and packed" in client.get(page).text
        run_unit(lambda: sending.ask(first, None, number="BY-HAND-8"))
    shown = client.get(page).text
    assert "Partly on its way" in shown and "BY-HAND-8" in shown and "Yes, cancel" not in shown
    with client.application.app_context():
        run_unit(lambda: tracking.report(first, "exception", "weather", None))
    assert "Held up on the way" in client.get(f"{page}/live").text
    with client.application.app_context():
        second = run_unit(lambda: packing.pack(order.number, None, None))
        run_unit(lambda: sending.ask(second, None, carrier="manual"))
        for parcel in (first, second):
            run_unit(lambda parcel=parcel: tracking.report(parcel, "delivered", None, None))
    shown = client.get(page).text
    assert "It has arrived" in shown and "Parcel 2: Delivered" in shown
