"""Pages of returns: the form with pictures, the return's own page, the staff's work on it, and finding orders."""

import io
import os
import re
from uuid import uuid4

import pytest
from PIL import Image

from quickshop.accounts.callers import Caller
from quickshop.kernel.unit_of_work import run_unit
from quickshop.shop import service as shop_settings
from tests.factories import returns
from tests.factories.accounts import rows
from tests.factories.pages import hidden_fields, submit
from tests.factories.shop import a_confirmed_order, a_member, a_variant, look
from tests.factories.staff_pages import a_staff_client
from tests.factories.uploads import drawn

pytestmark = pytest.mark.usefixtures("gateway")


def a_guests(client, app, make):
    """An order that this browser's guest placed."""
    with app.app_context():
        order = make()
    client.get(f"/orders/{order.number}?token={order.document['token']}")
    return order


def text_of(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def ask(client, order, *files, **fields):
    page = client.get(f"/orders/{order.number}/returns/new")
    wish = {"units-1": "1", "reason-1": "damaged", "resolution": "refund", "note": "Off.", **fields}
    wish |= {"idempotency_key": hidden_fields(page.text)["idempotency_key"]}
    if files:
        wish["photos"] = [(io.BytesIO(raw), f"{n}.jpg") for n, raw in enumerate(files)]
    return submit(client, f"/orders/{order.number}/returns", wish, content_type="multipart/form-data")


def test_a_guest_sends_something_back_with_a_large_picture_and_follows_it(client, app):
    order = a_guests(client, app, lambda: returns.a_delivered_order({a_variant(stock=5): 2}))
    assert "Send something back" in client.get(f"/orders/{order.number}").text
    noise = io.BytesIO()
    Image.frombytes("RGB", (700, 700), os.urandom(700 * 700 * 3)).save(noise, "PNG")
    assert len(noise.getvalue()) > 1 << 20  # more than other forms take
    answer = ask(client, order, drawn(), noise.getvalue())
    assert answer.headers["Location"].endswith(f"/orders/{order.number}/returns/1")
    page = client.get(f"/orders/{order.number}/returns/1")
    assert "Waiting for our answer" in page.text and "It arrived damaged" in page.text
    assert page.text.count("/photos/1") == 2
    assert client.get(f"/orders/{order.number}/returns/1/photos/2").mimetype == "image/webp"
    stranger = app.test_client()
    for path in ("", "/photos/1", "/slip"):
        assert stranger.get(f"/orders/{order.number}/returns/1{path}").status_code == 404
    assert "1 Kiln Road" not in text_of(client.get(f"/orders/{order.number}/returns/1/slip"))
    with app.app_context():
        run_unit(lambda: shop_settings.set_value("shop-details", {"name": "Mugs", "address": "1 Kiln Road"}))
        returns.approve(look("SELECT id FROM returns")[0].id)
    slip = text_of(client.get(f"/orders/{order.number}/returns/1/slip"))
    assert f"{order.number}-R1" in slip and "1 Kiln Road" in slip
    told = text_of(client.get(f"/orders/{order.number}"))
    assert "Return 1" in told and "You asked for return 1" in told
    assert submit(client, f"/orders/{order.number}/returns/1/withdraw").status_code == 303
    assert "Taken back" in client.get(f"/orders/{order.number}/returns/1").text


def test_a_form_sent_twice_asks_once_and_a_refused_one_keeps_what_was_typed(client, app):
    order = a_guests(client, app, lambda: returns.a_delivered_order({a_variant(stock=5): 2}))
    page = client.get(f"/orders/{order.number}/returns/new")
    key = hidden_fields(page.text)["idempotency_key"]
    wish = {"units-1": "2", "reason-1": "other", "resolution": "refund", "idempotency_key": key}
    for _ in range(2):
        assert submit(client, f"/orders/{order.number}/returns", wish).status_code == 303
    assert len(rows(client, "SELECT 1 FROM returns")) == 1
    other = a_guests(client, app, lambda: returns.a_delivered_order({a_variant(stock=5): 2}))
    refused = ask(client, other, **{"units-1": "0", "note": "Typed before"})
    assert refused.status_code == 422 and "What shall come back?" in refused.text and "Typed before" in refused.text
    refused = ask(client, other, b"no picture at all")
    assert refused.status_code == 422 and len(rows(client, "SELECT 1 FROM returns")) == 1
    again = wish | {"idempotency_key": str(uuid4())}
    assert submit(client, f"/orders/{order.number}/returns", again).status_code == 409


def test_staff_take_a_return_through_to_its_money(app):
    client = a_staff_client(app)
    with app.app_context():
        made = returns.ask(returns.a_delivered_order({a_variant(stock=5, price=1000): 2}), 2, reason="faulty")
    here = f"/admin/returns/{made}"
    assert str(made) in client.get("/admin/returns").text
    steps = [
        ("approve", {}, "It has arrived"),
        ("receive", {"received-1": "2", "restocked-1": "1"}, "Give the money back"),
        ("refund", {"amount-1": "15.00", "shipping": "", "idempotency_key": str(uuid4())}, "15.00"),
    ]
    for verb, fields, shown in steps:
        assert submit(client, f"{here}/{verb}", fields).status_code == 303
        assert shown in client.get(here).text
    assert submit(client, f"{here}/refund", {"idempotency_key": str(uuid4())}).status_code == 409
    assert submit(client, f"{here}/reject", {"answer": ""}).status_code == 422
    assert client.get("/admin/returns?state=refunded").text.count(str(made)) == 1
    support = a_staff_client(app, "support")
    assert support.get(here).status_code == 200 and "Take it in" not in support.get(here).text
    assert submit(support, f"{here}/approve").status_code == 403


def test_a_packed_order_is_cancelled_by_agreement(client, app):
    order = a_guests(client, app, lambda: returns.pack(a_confirmed_order()))
    assert "Ask us to cancel it" in client.get(f"/orders/{order.number}").text
    assert submit(client, f"/orders/{order.number}/cancel").status_code == 303
    assert "You asked us to cancel this order" in client.get(f"/orders/{order.number}").text
    staff = a_staff_client(app)
    page = staff.get("/admin/returns").text
    asked = re.search(r"/admin/cancellation-requests/([0-9a-f-]+)/grant", page)[1]
    assert submit(staff, f"/admin/cancellation-requests/{asked}/refuse", {"answer": ""}).status_code == 422
    assert submit(staff, f"/admin/cancellation-requests/{asked}/grant").status_code == 303
    assert "Cancelled" in client.get(f"/orders/{order.number}").text


def test_staff_set_the_terms_of_returns(app):
    client = a_staff_client(app)
    fields = {"version": "0", "days": "14", "fault_days": "365", "approve_by_itself": "1"}
    assert submit(client, "/admin/settings/returns", fields).status_code == 303
    assert submit(client, "/admin/settings/returns", fields | {"version": "1", "days": "400"}).status_code == 422
    kept = rows(client, "SELECT value FROM shop_settings WHERE name = 'returns'")[0].value
    assert (kept["days"], kept["approve_by_itself"], kept["photo_for_faults"]) == (14, True, False)


def test_a_member_looks_for_an_order(client, app, ada):
    member = Caller(user_id=ada, email_verified=True)
    with app.app_context():
        mug = returns.a_delivered_order({a_variant(sku="FIND-ME"): 1}, caller=member)
        other = a_confirmed_order(caller=member)
        returns.a_delivered_order(caller=a_member())
    found = client.get("/account?q=find-me&state=delivered&since=2020-01-01").text
    assert mug.number in found and other.number not in found and 'value="find-me"' in found
    assert "No such order" in client.get("/account?q=nothing").text
    assert other.number in client.get("/account?state=nonsense&since=nonsense").text
