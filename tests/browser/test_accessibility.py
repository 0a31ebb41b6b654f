"""WCAG 2.2 AA by axe on every page, in both themes and at two widths, with drawers open and errors shown."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.factories.browsing import buy, fill_bag, fill_checkout, headline, set_two_factor_up, sign_in

AXE = next((Path(__file__).parent / "vendor").glob("axe-core-*/axe.min.js")).read_text()
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RUN = """async (tags) => (await axe.run(document, {runOnly: tags})).violations.map(
    (v) => [v.id, ...v.nodes.map((n) => `${n.target.join(' ')}: ${n.failureSummary}`)])"""
NARROWEST = 360

SHOP = [
    "/",
    "/?q=radio",
    "/?q=nothing-at-all",
    "/?category=audio",
    "/products/hush-over-ear-headphones",
    "/products/hush-over-ear-headphones/reviews",
    "/stock-alerts/confirm?token=x",
    "/cart",
    "/sign-in",
    "/sign-up",
    "/verify-email",
    "/verify-email?token=x",
    "/forgot-password",
    "/reset-password?token=x",
    "/confirm-email",
    "/confirm-email?token=x",
    "/no/such/page",
]
MEMBER = [
    "/account/profile",
    "/account/profile?done=saved",
    "/account/password",
    "/account/addresses",
    "/account/addresses/new",
    "/account/payment-methods",
    "/account/preferences",
    "/account/inbox",
]
STAFF = ["/admin", "/admin/orders", "/admin/draft-orders", "/admin/processing", "/admin/pick-list", "/admin/customers"]
CATALOGUE = ["/admin/products", "/admin/products/new", "/admin/categories", "/admin/stock", "/admin/imports"]
TRADE = ["/admin/shipping", "/admin/taxes"]


def check(page):
    """No violation here, and no scrolling sideways."""
    page.evaluate(AXE)
    assert page.evaluate(RUN, TAGS) == [], page.url
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), page.url


# Each theme and each width once: colours do not come of the width. AXE_LOOKS=all looks at every pair.
PAIRS = [("light", 1280), ("dark", 390)]
ALL_LOOKS = os.environ.get("AXE_LOOKS") == "all"
if ALL_LOOKS:
    PAIRS += [("light", 390), ("dark", 1280)]


@pytest.fixture(params=PAIRS, ids=lambda pair: f"{pair[0]}-{pair[1]}")
def look(request):
    """Options of a browser of one theme and width."""
    theme, width = request.param
    return {"color_scheme": theme, "viewport": {"width": width, "height": 900}}


def test_pages_of_the_shop(visitors, look):
    page = visitors.open(**look)
    for address in SHOP:
        page.goto(address)
        check(page)


def test_the_way_to_an_order_and_what_can_go_wrong_on_it(visitors, look):
    page = visitors.open(**look)
    fill_bag(page)
    check(page)
    page.goto("/cart")
    check(page)
    fill_checkout(page, "nobody", "Card that is declined")
    check(page)
    page.locator("#checkout").evaluate("(form) => { form.noValidate = true; form.requestSubmit(); }")
    expect(page.locator("#problem")).to_be_visible()
    check(page)
    page.get_by_label("E-mail").fill("axe@quickshop.example")
    page.get_by_role("button", name=re.compile("^Place order")).click()
    page.wait_for_url("**/orders/QS-*")
    expect(headline(page)).to_have_text("The payment did not go through")
    check(page)


def test_forms_with_errors(visitors, look):
    page = visitors.open(**look)
    for address in ("/sign-in", "/sign-up"):
        page.goto(address)
        page.locator("main form").first.evaluate("(form) => { form.noValidate = true; form.requestSubmit(); }")
        expect(page.locator(".field.wrong").first).to_be_visible()
        check(page)


def test_pages_of_the_account_and_what_can_be_wrong_in_them(visitors, look, live_shop):
    page = visitors.open(**look)
    sign_in(page, live_shop.demo["accounts"]["shopper"], then="/account/profile")
    for address in MEMBER:
        page.goto(address)
        check(page)
    for address in ("/account/profile", "/account/password"):
        page.goto(address)
        page.locator("main form[data-once]").last.evaluate("(f) => { f.noValidate = true; f.requestSubmit(); }")
        expect(page.locator(".field.wrong").first).to_be_visible()
        check(page)


def test_pages_of_members_and_staff(visitors, look, live_shop, staff_state):
    accounts = live_shop.demo["accounts"]
    member = visitors.open(**look)
    sign_in(member, accounts["shopper"], then="/account")
    check(member)
    number = buy(member)
    expect(headline(member)).to_have_text("Confirmed")
    check(member)
    own = ("/account", "/account/wishlists", "/account/privacy", "/account-erased")
    for address in (*own, "/products/kitchen-radio-no-4/reviews"):
        member.goto(address)
        check(member)

    member.goto("/account/security")
    check(member)
    member.evaluate("() => { document.getElementById('staying').hidden = false; }")
    check(member)
    set_two_factor_up(member, accounts["shopper"])
    check(member)
    halfway = visitors.open(**look)
    sign_in(halfway, {**accounts["staff"], "totp_secret": None}, then="/sign-in/code")
    check(halfway)

    staff = visitors.open(**look, storage_state=staff_state)
    staff.goto("/admin")
    expect(staff.locator("#live-state")).to_have_text("Live")
    expect(staff.locator("#queues")).to_contain_text("orders.vip")
    for address in (*STAFF, f"/admin/orders/{number}"):
        staff.goto(address)
        check(staff)


def test_pages_on_which_staff_keep_the_catalogue(visitors, look, admin_state):
    staff = visitors.open(**look, storage_state=admin_state)
    for address in CATALOGUE:
        assert staff.goto(address).status == 200
        check(staff)
    staff.goto("/admin/products?q=tee")
    staff.get_by_role("link", name="Meadow Stripe Tee").click()
    staff.get_by_text("OST-TEE-M", exact=True).click()
    expect(staff.get_by_role("button", name="Set the price").first).to_be_visible()
    check(staff)


def test_pages_on_which_staff_set_shipping_and_taxes(visitors, look, admin_state):
    staff = visitors.open(**look, storage_state=admin_state)
    for address in TRADE:
        assert staff.goto(address).status == 200
        staff.locator("summary").first.click()
        expect(staff.get_by_role("button", name="Save").first).to_be_visible()
        check(staff)


def test_every_other_page_of_the_staffs_navigation(visitors, look, admin_state, live_shop):
    """They share one layout: each page is looked at in one theme and width, unless all are asked for."""
    staff = visitors.open(**look, storage_state=admin_state)
    staff.goto("/admin/coupons")
    shown = staff.locator(".staff-nav a").evaluate_all("(links) => links.map((a) => a.getAttribute('href'))")
    promotion = live_shop.pair.run("SELECT id::text FROM promotions ORDER BY id LIMIT 1")[0][0]
    others = [a for a in shown if a not in {*STAFF, *CATALOGUE, *TRADE, "/"}]
    assert {"/admin/risk", "/admin/settings"} <= set(others)
    shares = slice(None) if ALL_LOOKS else slice(look["color_scheme"] == "dark", None, 2)
    for address in (*others, "/admin/coupons/new", f"/admin/coupons/{promotion}")[shares]:
        assert staff.goto(address).status == 200
        check(staff)


def test_the_narrowest_screen_never_scrolls_sideways(visitors):
    page = visitors.open(viewport={"width": NARROWEST, "height": 780})
    for address in (*SHOP, "/checkout"):
        page.goto(address)
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), address


def test_the_theme_is_kept_on_this_device(visitors):
    page = visitors.open(color_scheme="light")
    page.goto("/")
    page.get_by_role("button", name="Use the dark theme").click()
    page.reload()
    assert page.evaluate("() => document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("() => getComputedStyle(document.documentElement).colorScheme") == "dark"
    expect(page.get_by_role("button", name="Use the light theme")).to_be_visible()
