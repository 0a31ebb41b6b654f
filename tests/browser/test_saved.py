"""A member's addresses, cards and wanted messages in a browser: by keyboard and mouse, and at checkout."""

import re

import pytest
from playwright.sync_api import expect

from tests.factories.browsing import ADDRESS, fill_bag, headline, place_order, sign_in


def keep_address(page, name):
    """Put an address into the book of whoever is signed in."""
    page.goto("/account/addresses/new")
    for field, value in {**ADDRESS, "name": name}.items():
        page.locator(f"#f-{field}").fill(value)
    page.get_by_label("Country").select_option("GB")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text(name).first).to_be_visible()


def keep_card(page, label):
    """Save one of the offered cards, unless it is saved already."""
    page.goto("/account/payment-methods")
    page.get_by_role("radio", name=re.compile(f"^{label}")).check()
    page.get_by_role("button", name="Save this card").click()
    expect(page.get_by_text(re.compile("ending in 4242|saved this card before")).first).to_be_attached()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_saved_address_and_card_make_the_checkout_a_single_press(visitors, live_shop, scripts):
    page = visitors.open(java_script_enabled=scripts, viewport={"width": 390, "height": 800})
    sign_in(page, live_shop.demo["accounts"]["shopper"], then="/account")
    keep_address(page, "Ada at home")
    keep_card(page, "Card that is approved")
    page.goto("/products/kitchen-radio-no-4")
    page.get_by_role("button", name="Add to bag").click()
    expect(page.get_by_text("is in your bag" if scripts else "Kitchen Radio").first).to_be_visible()
    page.goto("/checkout")
    expect(page.locator("#f-line1")).to_be_hidden()
    page.get_by_role("radio", name=re.compile("^Ada at home")).first.check()
    place_order(page)
    expect(page.get_by_role("complementary")).to_contain_text("Ada at home")


def test_another_address_opens_the_form(visitors, live_shop):
    page = visitors.open()
    sign_in(page, live_shop.demo["accounts"]["shopper"], then="/account")
    keep_address(page, "Ada at work")
    fill_bag(page)
    page.goto("/checkout")
    expect(page.locator("#review")).to_contain_text("Held for you until")
    expect(page.locator("#f-line1")).to_be_hidden()
    page.get_by_role("radio", name="Another address").check()
    expect(page.locator("#f-line1")).to_be_visible()
    for field, value in {**ADDRESS, "name": "A friend of Ada"}.items():
        page.locator(f"#f-{field}").fill(value)
    page.get_by_label("Country").select_option("GB")
    page.get_by_label("Save this address to my account").check()
    place_order(page)
    expect(headline(page)).to_have_text("Confirmed")
    page.goto("/account/addresses")
    expect(page.get_by_text("A friend of Ada").first).to_be_visible()


def test_the_table_of_messages_is_worked_by_keyboard(visitors, live_shop):
    page = visitors.open()
    sign_in(page, live_shop.demo["accounts"]["shopper"], then="/account")
    page.goto("/account/preferences")
    box = page.get_by_role("checkbox", name="News and offers by Push")
    before = box.is_checked()
    box.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    expect(page.get_by_role("checkbox", name="News and offers by Push")).to_be_checked(checked=not before)
