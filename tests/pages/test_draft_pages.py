"""Draft orders and edits by pages, without scripts: staff prepare and mail, the customer looks and pays."""

import re

import pytest

from quickshop.checkout import drafts
from quickshop.extensions import settings
from quickshop.kernel.unit_of_work import run_unit
from quickshop.notifications import taking
from quickshop.orders import processing
from tests.factories import shop
from tests.factories.pages import hidden_fields, submit
from tests.factories.staff_pages import a_staff_client

WISH = {"items": "MUG 2", "email": "robin@quickshop.example", "shipping_method": "standard", **shop.ADDRESS}


@pytest.fixture
def staff(app):
    return a_staff_client(app)


@pytest.fixture
def mug(app):
    with app.app_context():
        return shop.a_variant(sku="MUG", price=1000, stock=9)


def prepared(staff, **more):
    answer = submit(staff, "/admin/draft-orders", WISH | more)
    assert answer.status_code == 303
    return answer.location


def link_of(app, page):
    with app.app_context():
        base = settings().public_url
    return re.search(r'<code class="secret">([^<]+)</code>', page)[1].removeprefix(base)


def test_what_staff_prepare_is_paid_at_its_link(app, client, gateway, staff, mug):
    address = prepared(staff)
    page = staff.get(address).text
    assert "robin@quickshop.example" in page and "$25.00" in page
    link = link_of(app, page)
    shown = client.get(link)
    assert shown.headers["Referrer-Policy"] == "no-referrer"
    assert "$25.00" in shown.text and "Goes to Robin Ashdown" in shown.text
    fields = hidden_fields(shown.text) | {"payment": "tok_approve"}
    stale = submit(client, "/draft-order/pay", fields | {"expected_amount": "1"})
    assert stale.status_code == 409 and "total has changed" in stale.text
    paid = submit(client, "/draft-order/pay", fields)
    assert paid.status_code == 303
    assert submit(client, "/draft-order/pay", fields).location == paid.location
    number = paid.location.rpartition("/")[2]
    assert number in client.get(paid.location).text
    assert "It was paid" in client.get(link).text and number in staff.get(address).text


def test_the_link_is_mailed_to_its_customer(app, client, gateway, staff, mug):
    address = prepared(staff)
    assert submit(staff, f"{address}/send").status_code == 303
    with app.app_context():
        run_unit(lambda: taking.take_facts(10))
        found = shop.look("SELECT channel FROM deliveries WHERE kind = 'draft.prepared'")
    assert [each.channel for each in found] == ["email"]
    assert submit(staff, f"{address}/cancel").status_code == 303
    refused = submit(staff, f"{address}/send")
    assert refused.status_code == 409 and "It is cancelled" in refused.text
    with app.app_context():
        link = drafts.page_of(drafts.draft_token(address.rpartition("/")[2]))
    assert "cannot be paid any more" in client.get(link).text


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"items": "MUG"}, "a code and a number"),
        ({"items": "CUP 1"}, "No article has the code CUP"),
        ({"email": "robin"}, "no e-mail address"),
        ({"country": "GB", "postal_code": ""}, ""),
        ({"shipping_method": ""}, "The way of shipping is missing"),
    ],
    ids=["no units", "no article", "no address", "no postcode", "no method"],
)
def test_what_staff_type_wrongly_is_said_and_kept(gateway, staff, mug, wrong, why):
    refused = submit(staff, "/admin/draft-orders", WISH | wrong)
    assert refused.status_code == 422
    assert why in refused.text and "1 Mill Lane" in refused.text


def test_a_link_that_is_none_leads_nowhere(client):
    assert client.get("/draft-order?token=x").status_code == 404
    assert submit(client, "/draft-order/pay", {"token": "x", "expected_amount": "1"}).status_code in (404, 422)


def test_an_order_is_edited_on_its_page(app, gateway, staff, mug):
    with app.app_context():
        order = shop.a_confirmed_order(items={mug: 3})
    address = f"/admin/orders/{order.number}"
    assert 'name="line-1"' in staff.get(address).text
    assert submit(staff, f"{address}/edit", {"line-1": "2", "add": "MUG 1"}).status_code == 303
    page = staff.get(address).text
    assert "order.edited" in page and "DR-" in page
    assert 'max="2" value="2"' in page
    for wrong in ({"line-1": "9"}, {"line-1": "2", "add": ""}, {"line-1": "0"}):
        assert submit(staff, f"{address}/edit", wrong).status_code == 422
    with app.app_context():
        shop.process_until_ended(order)
        assert shop.state_of(order) == ("confirmed", "partially_refunded")


def test_readers_see_drafts_and_not_their_links(app, gateway, staff, mug):
    address = prepared(staff)
    with app.app_context():
        order = shop.a_confirmed_order(items={mug: 3})
        processing.process(order.id)
    support = a_staff_client(app, "support")
    page = support.get("/admin/draft-orders").text
    assert "DR-" in page and address not in page and 'action="/admin/draft-orders"' not in page
    assert support.get(address).status_code == 403
    assert "Change the order" not in support.get(f"/admin/orders/{order.number}").text
    for form in ("/admin/draft-orders", f"{address}/send", f"{address}/cancel", f"/admin/orders/{order.number}/edit"):
        assert submit(support, form).status_code == 403
