"""Staff's work on orders by pages, without scripts: finding, bulk actions, holding, trying again, notes, picking."""

import csv
import io

import pytest

from quickshop.orders import processing
from tests.factories import shop
from tests.factories.pages import csrf, submit
from tests.factories.staff_pages import a_staff_client


@pytest.fixture
def staff(app):
    return a_staff_client(app)


def make(app, maker, **more):
    with app.app_context():
        return maker(**more)


def state_of(app, order):
    with app.app_context():
        return shop.state_of(order)[0]


def test_orders_are_found_by_what_is_typed_and_chosen(app, gateway, staff):
    mine = make(app, shop.an_order, email="robin@quickshop.example")
    other = make(app, shop.a_confirmed_order)
    for asked, there, missing in (
        (f"q={mine.number}", mine, other),
        ("q=robin%40quickshop.example", mine, other),
        ("status=confirmed", other, mine),
        ("status=nonsense&placed_from=never", other, None),
        ("priority=standard&payment_status=captured", other, mine),
    ):
        page = staff.get(f"/admin/orders?{asked}").text
        assert there.number in page
        assert missing is None or missing.number not in page
    assert "No order fits" in staff.get("/admin/orders?q=SKU-NONE").text


def test_one_action_is_done_to_all_that_are_ticked_and_each_answers(app, gateway, staff):
    good, declined = make(app, shop.an_order), make(app, shop.a_declined_order)
    data = {"csrf_token": csrf(staff), "action": "hold", "number": [good.number, declined.number]}
    page = staff.post("/admin/orders/bulk", data=data)
    assert "Hold: 1 of 2 done" in page.text
    assert "The order is payment_failed" in page.text
    assert state_of(app, good) == "on_hold"
    picked = staff.post("/admin/orders/bulk", data=data | {"action": "pick"})
    assert picked.status_code == 303 and f"number={good.number}" in picked.location
    assert staff.post("/admin/orders/bulk", data=data | {"action": "drop"}).status_code == 303


def test_an_order_is_held_noted_and_released_on_its_page(app, gateway, staff):
    order = make(app, shop.an_order)
    address = f"/admin/orders/{order.number}"
    assert submit(staff, f"{address}/hold").status_code == 303
    assert submit(staff, f"{address}/notes", {"body": "Ring <b>first</b>"}).status_code == 303
    page = staff.get(address).text
    assert "Ring &lt;b&gt;first&lt;/b&gt;" in page and staff.staff.username in page
    assert "Held because" in page and f"{address}/release" in page and f"{address}/hold" not in page
    assert submit(staff, f"{address}/notes", {"body": " "}).status_code == 422
    assert submit(staff, f"{address}/release").status_code == 303
    refused = submit(staff, f"{address}/release")
    assert refused.status_code == 409 and "staff do not hold it" in refused.text
    with app.app_context():
        processing.process(order.id)
    assert "Passed" in staff.get(address).text


def test_what_was_given_up_is_tried_again_from_the_page_of_processing(app, gateway, staff):
    order = make(app, shop.an_order_on_hold)
    page = staff.get("/admin/processing").text
    assert order.number in page and "too_many_attempts" in page and "Needs review" in page
    assert submit(staff, f"/admin/failed-tasks/{order.id}/replay").status_code == 303
    assert "Nothing was given up" in staff.get("/admin/processing").text
    with app.app_context():
        processing.process(order.id)
    assert state_of(app, order) == "confirmed"
    assert submit(staff, f"/admin/failed-tasks/{order.id}/replay").status_code == 409
    assert submit(staff, "/admin/failed-tasks/x/replay").status_code == 404
    assert "No order waits" in staff.get("/admin/processing").text


def test_the_pick_list_is_a_page_and_a_file_that_no_spreadsheet_runs(app, gateway, staff):
    with app.app_context():
        mug = shop.a_variant(sku="=MUG", stock=9)
    order = make(app, shop.a_confirmed_order, items={mug: 2})
    page = staff.get("/admin/pick-list").text
    assert order.number in page and "=MUG" in page and "2 ×" in page
    sent = staff.get(f"/admin/pick-list.csv?number={order.number}").get_data(as_text=True)
    (row,) = csv.DictReader(io.StringIO(sent.removeprefix("\ufeff")))
    assert (row["order"], row["sku"], row["units"]) == (order.number, "'=MUG", "2")
    assert "Nothing is to be packed" in staff.get("/admin/pick-list?number=QS-1").text


FORMS = ("/admin/orders/bulk", "/admin/orders/{n}/hold", "/admin/orders/{n}/release", "/admin/orders/{n}/replay",
         "/admin/orders/{n}/notes", "/admin/failed-tasks/{id}/replay")  # fmt: skip


def test_readers_see_and_change_nothing(app, gateway):
    order = make(app, shop.an_order)
    support = a_staff_client(app, "support")
    assert support.get("/admin/processing").status_code == 200
    page = support.get(f"/admin/orders/{order.number}").text
    assert "/hold" not in page and "Add note" not in page
    assert 'value="hold"' not in support.get("/admin/orders").text
    for form in FORMS:
        assert submit(support, form.format(n=order.number, id=order.id)).status_code == 403
    assert state_of(app, order) == "placed"
