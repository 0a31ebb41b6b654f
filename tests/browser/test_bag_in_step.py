"""One bag in two windows: what changes in one is seen in the other without touching it; the hold counts down."""

import re

from playwright.sync_api import expect

from tests.factories.browsing import fill_bag, fill_checkout


def test_two_windows_of_one_bag_stay_in_step_and_a_removal_can_be_undone(page):
    fill_bag(page)
    page.goto("/cart")
    other = page.context.new_page()
    other.goto("/cart")
    for window in (page, other):
        expect(window.locator("#cart-body[data-live=on]")).to_be_attached()
    other.evaluate("() => { window.untouched = true; }")
    page.get_by_role("button", name=re.compile("^One more")).click()
    expect(other.get_by_role("spinbutton")).to_have_value("2")
    page.get_by_role("button", name=re.compile("^Remove")).click()
    expect(other.get_by_text("Nothing in here yet")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(other.get_by_role("spinbutton")).to_have_value("2")
    page.get_by_role("button", name=re.compile("^Save for later")).click()
    expect(other.get_by_role("heading", name="Saved for later")).to_be_visible()
    other.get_by_role("button", name=re.compile("^Move to bag")).click()
    expect(page.get_by_role("spinbutton")).to_have_value("2")
    assert other.evaluate("() => window.untouched"), "the page was loaded anew"


def test_the_hold_counts_down_in_sight(page):
    fill_bag(page)
    fill_checkout(page, "holder@quickshop.example")
    left = page.locator("#hold [data-left]")
    expect(left).to_have_text(re.compile(r"1[45]:[0-5]\d left"))
    before = left.text_content()
    expect(left).not_to_have_text(before)
