"""What people do in a browser: sign in, fill the bag, check out."""

import re
import time

import pyotp
from playwright.sync_api import expect

PRODUCT = "/products/kitchen-radio-no-4"
ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "12 St James's Square",
    "postal_code": "SW1Y 4JH",
    "city": "London",
}


def sign_in(page, account, then="/"):
    """Sign in with one of demo.json's accounts and end on `then`."""
    page.goto(f"/sign-in?next={then}")
    page.get_by_label("E-mail or username").fill(account["login"])
    page.get_by_label("Password", exact=True).fill(account["password"])
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    if account.get("totp_secret"):
        give_code(page, account["totp_secret"])
    page.wait_for_url(f"**{then}")


def give_code(page, secret):
    """Take the second step; where the present code was used before, with the next one."""
    page.wait_for_url("**/sign-in/code")
    for _ in range(3):
        page.get_by_label("Code").fill(pyotp.TOTP(secret).now())
        with page.expect_navigation():
            page.get_by_role("main").get_by_role("button", name="Sign in").click()
        if not page.url.endswith("/sign-in/code"):
            return
        page.wait_for_timeout(1000 * (30 - time.time() % 30))
    raise AssertionError("no code was taken")


def set_two_factor_up(page, account):
    """Go as far as the code to scan; the secret."""
    page.goto("/account/security")
    section = page.locator("section", has=page.locator("#two-factor"))
    section.get_by_label("Your password").fill(account["password"])
    section.get_by_role("button", name="Set it up").click()
    return page.locator("code.secret").text_content().replace(" ", "")


def turn_two_factor_on(page, account):
    """Turn it on from the security page; the secret."""
    secret = set_two_factor_up(page, account)
    page.get_by_label("Code").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_role("heading", name="Two-factor is on")).to_be_visible()
    return secret


def fill_bag(page, product=PRODUCT):
    """Add a product; the drawer is open afterwards."""
    page.goto(product)
    page.get_by_role("button", name="Add to bag").click()
    expect(page.get_by_role("dialog")).to_contain_text("is in your bag")


def fill_checkout(page, email=None, card="Card that is approved"):
    """Go to checkout and fill in everything; the total stands when this returns."""
    page.goto("/checkout")
    expect(page.locator("#review")).to_contain_text("Held for you until")
    if email:
        page.get_by_label("E-mail").fill(email)
    another = page.get_by_role("radio", name="Another address")
    if another.count():  # a member whom another test gave an address book
        another.check()
    for name, value in ADDRESS.items():
        page.locator(f"#f-{name}").fill(value)
    page.get_by_label("Country").select_option("GB")
    page.get_by_role("radio", name=re.compile(f"^{card}")).check()


def place_order(page):
    """Press the button; returns the order's number."""
    page.get_by_role("button", name=re.compile("^Place order")).click()
    page.wait_for_url("**/orders/QS-*")
    return page.url.rpartition("/")[2]


def buy(page, email=None, card="Card that is approved"):
    """The whole purchase; returns the order's number, on its page."""
    fill_bag(page)
    fill_checkout(page, email, card)
    return place_order(page)


def headline(page):
    """The order page's headline."""
    return page.locator("#headline")


def live_state(page):
    """Whether the page is connected, in words."""
    return page.locator("#live-state")
