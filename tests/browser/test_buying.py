"""Buying as people do it: as a guest, with a card that is declined, as a new member, without scripts."""

import re

import requests
from playwright.sync_api import expect

from tests.factories.browsing import buy, fill_bag, fill_checkout, headline, live_state, place_order, sign_in
from tests.factories.waiting import eventually


def charges(shop, number):
    """What the gateway charged for an order, by state."""
    return sorted(charge["state"] for charge in shop.ledger() if charge["order"] == number)


def test_a_guest_buys_and_watches_the_order_move_by_itself(page, live_shop):
    number = buy(page, "guest@quickshop.example", card="Late answer")
    page.evaluate("() => { window.untouched = true; }")
    expect(live_state(page)).to_have_text("Live")
    expect(headline(page)).to_have_text("Confirmed")
    assert page.evaluate("() => window.untouched"), "the page was loaded anew"
    expect(page.locator("#announcer")).to_have_text(f"Order {number}: Confirmed")
    expect(page.locator("[data-step=paid]")).to_have_class(re.compile("done"))
    expect(page.locator("[data-step=shipped]")).to_have_attribute("aria-current", "step")
    assert charges(live_shop, number) == ["captured"]


def test_a_declined_card_says_so_and_another_one_pays(page, live_shop):
    number = buy(page, "declined@quickshop.example", card="Card that is declined")
    expect(headline(page)).to_have_text("The payment did not go through")
    expect(page.get_by_text("The bank declined the card. Nothing was charged.")).to_be_visible()
    page.get_by_role("radio", name=re.compile("^Card that is approved")).check()
    page.get_by_role("button", name=re.compile("^Pay ")).click()
    expect(headline(page)).to_have_text("Confirmed")
    assert charges(live_shop, number) == ["captured", "declined"]


def test_the_bank_may_ask_first(page):
    buy(page, "asked@quickshop.example", card="Card that asks first")
    expect(headline(page)).to_have_text("Your bank wants a word")
    page.get_by_role("link", name="Confirm with your bank").click()
    page.get_by_role("button", name=re.compile("Approve")).click()
    page.wait_for_url("**/orders/QS-*")
    expect(headline(page)).to_have_text("Confirmed")


def mails(shop, to):
    """What was mailed to an address, newest first."""
    return requests.get(
        shop.demo["mail_url"], params={"to": to}, headers={"Accept": "application/json"}, timeout=5
    ).json()


def test_a_new_member_confirms_the_address_and_orders(page, live_shop):
    email = "newcomer@quickshop.example"
    page.goto("/sign-up")
    for label, value in (
        ("First name", "New"),
        ("Last name", "Comer"),
        ("E-mail", email),
        ("Username", "newcomer"),
        ("Password", "Fresh-Start-2026"),
    ):
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_role("button", name="Make the account").click()
    expect(page.get_by_role("heading", name="Look in your mailbox")).to_be_visible()

    account = {"login": "newcomer", "password": "Fresh-Start-2026"}
    sign_in(page, account)
    fill_bag(page)
    fill_checkout(page)
    page.get_by_role("button", name=re.compile("^Place order")).click()
    expect(page.locator("#problem")).to_contain_text("Verify your e-mail address first")

    mail = eventually(lambda: mails(live_shop, email), within=20)[0]
    page.goto(re.search(r"https?://\S+/verify-email\?token=[^\s\"<]+", mail["text"])[0])
    page.get_by_role("button", name="Yes, this is my address").click()
    expect(page.get_by_role("heading", name="Confirmed")).to_be_visible()
    fill_checkout(page)
    number = place_order(page)
    expect(headline(page)).to_have_text("Confirmed")
    expect(live_state(page)).to_have_text("Live")
    page.goto("/account")
    expect(page.get_by_role("link", name=number)).to_be_visible()


def test_the_purchase_works_without_scripts(visitors):
    page = visitors.open(java_script_enabled=False)
    page.goto("/products/kitchen-radio-no-4")
    page.get_by_role("button", name="Add to bag").click()
    page.wait_for_url("**/cart")
    page.get_by_role("button", name="Check out").click()
    expect(page.get_by_text("Held for you until")).to_be_visible()
    page.get_by_label("E-mail").fill("plain@quickshop.example")
    for name, value in (("name", "Ada"), ("line1", "12 Square"), ("postal_code", "SW1Y 4JH"), ("city", "London")):
        page.locator(f"#f-{name}").fill(value)
    page.get_by_label("Country").select_option("GB")
    place_order(page)
    eventually(lambda: page.reload() and headline(page).text_content() == "Confirmed", within=20, every=0.5)


def test_without_a_socket_the_page_still_follows(page):
    page.route_web_socket(re.compile("/socket.io/"), lambda socket: socket.close())
    fill_bag(page)
    fill_checkout(page, "no-socket@quickshop.example", "Late answer")
    place_order(page)
    expect(headline(page)).to_have_text("Confirmed")
    expect(live_state(page)).not_to_have_text("Live")


def test_the_drawer_opens_at_once_and_gives_the_focus_back(page):
    page.goto("/products/kitchen-radio-no-4")
    add = page.get_by_role("button", name="Add to bag")
    add.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page.locator("#cart-count")).to_contain_text("1")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(add).to_be_focused()


def test_the_choice_of_a_variant_changes_price_and_stock_without_moving_the_page(page):
    page.goto("/products/hush-over-ear-headphones")
    before = page.get_by_role("group", name="Colour").bounding_box()
    page.get_by_role("radio", name="Sand").check(force=True)
    expect(page.get_by_text("Sold out", exact=True).first).to_be_visible()
    expect(page.locator("[data-add]")).to_be_disabled()
    assert page.get_by_role("group", name="Colour").bounding_box() == before


def test_filters_live_in_the_address(page):
    page.goto("/?category=audio")
    page.get_by_label("Sort by").select_option("price")
    page.wait_for_url("**/?category=audio&sort=price")
    page.get_by_label("Highest price").fill("100")
    page.get_by_label("Highest price").blur()
    page.wait_for_url("**max_price=100")
    expect(page.locator(".card")).to_have_count(1)
    page.go_back()
    expect(page.locator(".card")).to_have_count(3)
