"""The number on the inbox moves by itself when an order does, and goes on every device when the messages are read."""

import re

from playwright.sync_api import expect

from tests.factories.browsing import buy, sign_in

BADGE = "#unread-count [data-number]"


def test_the_number_in_the_header_and_the_open_inbox_follow_by_themselves(visitors, live_shop):
    page, phone = visitors.open(), visitors.open(viewport={"width": 390, "height": 844})
    for window in (page, phone):
        sign_in(window, live_shop.demo["accounts"]["vip"], then="/account/inbox")
        expect(window.locator("html[data-inbox=live]")).to_be_attached()
    phone.evaluate("() => { window.untouched = true; }")
    number = buy(page)
    expect(phone.get_by_role("heading", name=re.compile(f"We have your order {number}"))).to_be_visible()
    expect(phone.get_by_role("heading", name=re.compile(f"Order {number} is confirmed"))).to_be_visible()
    expect(phone.locator(BADGE)).to_be_visible()
    assert phone.evaluate("() => window.untouched"), "the page was loaded anew"
    page.goto("/account/inbox")
    page.get_by_role("button", name="Mark all as read").click()
    expect(page.locator(BADGE)).to_be_hidden()
    expect(phone.locator(BADGE)).to_be_hidden()
