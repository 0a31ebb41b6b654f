"""The staff's live page while an order arrives."""

from playwright.sync_api import expect

from tests.factories.browsing import buy, sign_in


def test_staff_see_an_order_arrive_and_can_hold_the_page_still(visitors, staff_state):
    staff = visitors.open(storage_state=staff_state)
    staff.goto("/admin")
    expect(staff.locator("#live-state")).to_have_text("Live")
    expect(staff.locator("#age")).to_contain_text("s ago")
    expect(staff.locator("#queues")).to_contain_text("orders.vip")

    first = buy(visitors.open(), "one@quickshop.example")
    row = staff.locator(f"[data-number={first}]")
    expect(row).to_contain_text("Confirmed")
    expect(row).to_contain_text("GB")

    staff.get_by_role("button", name="Pause").click()
    second = buy(visitors.open(), "two@quickshop.example")
    expect(staff.locator(f"[data-number={second}]")).to_have_count(0)
    staff.get_by_role("button", name="Go on").click()
    expect(staff.locator(f"[data-number={second}]")).to_contain_text("Confirmed")
    assert staff.locator("#depth-chart canvas").count() == 1

    staff.get_by_role("link", name=second).click()
    expect(staff.get_by_role("heading", name=second)).to_be_visible()
    expect(staff.get_by_text("order.confirmed")).to_be_visible()


def test_shoppers_do_not_get_in(page, live_shop):
    sign_in(page, live_shop.demo["accounts"]["shopper"])
    answer = page.goto("/admin")
    assert answer.status == 403
