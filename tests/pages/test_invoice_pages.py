"""Invoices on pages: links for shopper, guest and staff, the list of all, and the shop's details with its logo."""

import io
from dataclasses import dataclass

import pytest
from PIL import Image

from tests.factories import invoices, shop
from tests.factories.pages import csrf, submit
from tests.factories.staff_pages import a_staff_client

DETAILS = {
    "name": "Nordlicht",
    "address": "1 Quay\r\nLeeds",
    "invoice_prefix": "RE",
    "credit_prefix": "GS",
    "version": "0",
}


@dataclass(frozen=True)
class Invoiced:
    """A guest's order and the number of its invoice."""

    number: str
    token: str
    paper: str


@pytest.fixture
def order(app, gateway):
    with app.app_context():
        made = invoices.an_invoiced_order()
        return Invoiced(made.number, made.document["token"], invoices.papers(made)[0]["number"])


def a_picture(width=1200, height=400, form="PNG"):
    made = io.BytesIO()
    Image.new("RGBA", (width, height), (200, 30, 30, 128)).save(made, form)
    return made.getvalue()


def save(client, **different):
    data = {"csrf_token": csrf(client), **DETAILS, **different}
    return client.post("/admin/settings/shop", data=data)


def upload(client, raw):
    data = {"csrf_token": csrf(client), "file": (io.BytesIO(raw), "logo.png")}
    return client.post("/admin/settings/shop/logo", data=data, content_type="multipart/form-data")


def test_a_guest_finds_the_invoice_on_the_orders_page_and_a_stranger_does_not(client, app, order):
    page = client.get(f"/orders/{order.number}?token={order.token}", follow_redirects=True).text
    address = f"/orders/{order.number}/invoices/{order.paper}.pdf"
    assert address in page
    file = client.get(address)
    assert (file.status_code, file.mimetype) == (200, "application/pdf")
    assert order.paper in file.headers["Content-Disposition"]
    assert file.headers["Cache-Control"] == "no-store"
    assert "Robin Ashdown" in invoices.text_of(file.data)
    assert client.get(f"/orders/{order.number}/invoice.pdf").data == file.data
    stranger = app.test_client()
    assert [stranger.get(a).status_code for a in (address, f"/orders/{order.number}/invoice.pdf")] == [404, 404]


def test_by_api_a_guest_sends_the_token_in_a_header(client, order):
    token = {"X-Order-Token": order.token}
    (paper,) = client.get(f"/api/v1/orders/{order.number}/invoices", headers=token).json["items"]
    first = client.get(paper["url"], headers=token).data
    assert first.startswith(b"%PDF")
    assert client.get(f"/api/v1/orders/{order.number}/invoice.pdf", headers=token).data == first
    assert client.get(paper["url"]).status_code == 404


def test_an_order_without_an_invoice_says_so(client, app, gateway):
    with app.app_context():
        order = shop.an_order()
    token = {"X-Order-Token": order.document["token"]}
    answer = client.get(f"/api/v1/orders/{order.number}/invoice.pdf", headers=token)
    assert (answer.status_code, answer.json["code"]) == (404, "no_invoice")


def test_staff_search_the_list_and_open_what_they_find(app, order):
    client = a_staff_client(app)
    page = client.get("/admin/invoices").text
    assert order.paper in page and "a number is missing" not in page
    address = f"/admin/orders/{order.number}/invoices/{order.paper}.pdf"
    assert client.get(address).data.startswith(b"%PDF")
    assert address in client.get(f"/admin/orders/{order.number}").text
    found = lambda query: order.paper in client.get(f"/admin/invoices?{query}").text.split("<tbody>")[1]  # noqa: E731
    assert found(f"q={order.number}") and found(f"q={order.paper[:5].lower()}") and found("kind=invoice")
    assert not found("kind=credit_note") and not found("q=nothing") and not found("until=2020-01-01")
    assert found("kind=what&since=not-a-day")  # what cannot be asked is left out


def test_staff_set_who_the_shop_is_and_it_stands_on_the_next_invoice(app, gateway, order):
    client = a_staff_client(app)
    assert save(client).status_code in (302, 303)
    assert upload(client, a_picture()).status_code in (302, 303)
    page = client.get("/admin/settings/shop").text
    assert 'value="Nordlicht"' in page
    logo = client.get("/admin/settings/shop/logo.png")
    assert Image.open(io.BytesIO(logo.data)).size == (810, 270)
    with app.app_context():
        after = invoices.an_invoiced_order()
        number = invoices.papers(after)[0]["number"]
    assert number.startswith("RE-")
    file = client.get(f"/admin/orders/{after.number}/invoices/{number}.pdf").data
    assert b"/Subtype /Image" in file and "1 Quay" in invoices.text_of(file)
    before = client.get(f"/admin/orders/{order.number}/invoices/{order.paper}.pdf").data
    assert b"/Subtype /Image" not in before and "1 Quay" not in invoices.text_of(before)
    assert submit(client, "/admin/settings/shop/logo/remove").status_code in (302, 303)
    assert client.get("/admin/settings/shop/logo.png").status_code == 404


def test_what_cannot_be_is_refused_and_what_was_typed_stays(app):
    client = a_staff_client(app)
    answer = save(client, invoice_prefix="re-1", legal_name="Typed Ltd")
    assert answer.status_code == 422
    assert "Prefix of invoices" in answer.text and 'value="Typed Ltd"' in answer.text
    for raw in (b"not a picture", a_picture(5000, 5000), a_picture(form="GIF")):
        assert upload(client, raw).status_code == 422


def test_the_audit_log_tells_which_details_changed_and_repeats_no_words(app):
    client = a_staff_client(app)
    save(client)
    with app.app_context():
        (entry,) = shop.look(
            "SELECT data FROM audit_log WHERE target = 'setting:shop-details' ORDER BY at DESC LIMIT 1"
        )
    assert entry.data["changed"] == ["address", "credit_prefix", "invoice_prefix", "name"]
    assert "Quay" not in str(entry.data)


def test_old_settings_of_somebody_else_are_not_overwritten(app):
    client = a_staff_client(app)
    save(client)
    assert save(client).status_code == 409
