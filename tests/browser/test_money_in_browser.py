"""Cancelling an order and giving money back, in a browser, on a whole running shop."""

from playwright.sync_api import expect

from tests.factories.browsing import buy


def test_a_shopper_cancels_and_watches_the_money_go_back(visitors, live_shop):
    page = visitors.open()
    number = buy(page, "cancels@quickshop.example")
    expect(page.get_by_role("heading", name="Confirmed", exact=True)).to_be_visible()
    page.get_by_text("Cancel this order").click()
    page.get_by_role("button", name=f"Yes, cancel order {number}").click()
    expect(page.get_by_role("heading", name="Cancelled", exact=True)).to_be_visible()
    expect(page.get_by_text("The money has gone back")).to_be_visible()
    (charge,) = [c for c in live_shop.ledger() if c["order"] == number]
    assert (charge["state"], charge["refunded"]) == ("refunded", charge["amount"])


def test_staff_give_a_part_back_and_find_the_books_in_order(visitors, admin_state):
    number = buy(visitors.open(), "refunded@quickshop.example")
    staff = visitors.open(storage_state=admin_state)
    staff.goto(f"/admin/orders/{number}")
    staff.get_by_label("Amount in USD").fill("1.50")
    staff.get_by_label("Reason").fill("Scratched")
    staff.get_by_role("button", name="Give back").click()
    expect(staff.get_by_role("cell", name="Scratched")).to_be_visible()
    staff.goto("/admin/payments")
    expect(staff.get_by_text("0 open")).to_be_visible()
