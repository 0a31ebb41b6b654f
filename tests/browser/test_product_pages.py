"""A product's page while it is open: what others buy, the heart, and sharing."""

import re

from playwright.sync_api import expect

from tests.factories.browsing import buy, sign_in


def stock_of(shop, slug, units):
    """Leave so many units of a product's variants."""
    shop.pair.run(
        "UPDATE stock_items SET on_hand = held + %s WHERE variant_id IN (SELECT v.id FROM variants v"
        " JOIN products p ON p.id = v.product_id WHERE p.slug = %s)",
        units,
        slug,
    )


def a_plain_product(shop):
    """The address of a product without options."""
    found = shop.pair.run(
        "SELECT slug FROM products p WHERE options = '[]' AND NOT slug LIKE 'kitchen-radio%%' ORDER BY slug LIMIT 1"
    )
    return found[0][0]


def test_an_open_page_follows_stock_and_price_and_says_so_once(visitors, live_shop):
    slug = a_plain_product(live_shop)
    stock_of(live_shop, slug, 6)
    page = visitors.open()
    page.goto(f"/products/{slug}")
    page.evaluate("() => { window.untouched = true; }")
    expect(page.locator("[data-stock-text]")).to_have_text("In stock")
    stock_of(live_shop, slug, 3)
    expect(page.locator("[data-stock-text]")).to_have_text("Only 3 left")
    expect(page.locator("#announcer")).to_have_text("Only 3 left")
    stock_of(live_shop, slug, 0)
    expect(page.locator("[data-add]")).to_be_disabled()
    expect(page.locator("[data-add]")).to_have_text("Sold out")
    expect(page.get_by_text("Tell me when it is back")).to_be_visible()
    stock_of(live_shop, slug, 40)
    expect(page.locator("[data-add]")).to_have_text("Add to bag")
    expect(page.get_by_text("Tell me when it is back")).to_be_hidden()
    live_shop.pair.run(
        "UPDATE variants SET price_minor = 4242, compare_at_minor = NULL WHERE product_id ="
        " (SELECT id FROM products WHERE slug = %s)",
        slug,
    )
    expect(page.locator("[data-price]")).to_have_text("$42.42")
    assert page.evaluate("() => window.untouched"), "the page was loaded anew"


def test_another_variant_that_sells_out_is_known_when_it_is_chosen(page, live_shop):
    page.goto("/products/hush-over-ear-headphones")
    graphite = live_shop.pair.run(
        "SELECT v.id::text FROM variants v JOIN products p ON p.id = v.product_id"
        " WHERE p.slug = 'hush-over-ear-headphones' AND 'Graphite' = ANY (SELECT value FROM jsonb_each_text(v.options))"
    )[0][0]
    before = live_shop.pair.run("SELECT on_hand FROM stock_items WHERE variant_id = %s", graphite)[0][0]
    live_shop.pair.run("UPDATE stock_items SET on_hand = held WHERE variant_id = %s", graphite)
    try:
        expect(page.locator(f"#stock-alert option[value='{graphite}']")).to_have_count(1)
        expect(page.locator("[data-add]")).to_be_enabled()
        page.get_by_role("radio", name="Graphite").check(force=True)
        expect(page.locator("[data-add]")).to_have_text("Sold out")
        expect(page.locator("#alert-variant")).to_have_value(graphite)
    finally:
        live_shop.pair.run("UPDATE stock_items SET on_hand = %s WHERE variant_id = %s", before, graphite)


def test_the_heart_is_pressed_in_place_and_means_the_chosen_variant(page, live_shop):
    sign_in(page, live_shop.demo["accounts"]["shopper"])
    page.goto("/products/hush-over-ear-headphones")
    page.get_by_role("radio", name="Graphite").check(force=True)
    heart = page.locator(".tools").get_by_role("button", name="on the wishlist")
    heart.click()
    expect(heart).to_have_attribute("aria-pressed", "true")
    page.goto("/account/wishlists")
    page.get_by_role("link", name="Wishlist", exact=True).click()
    expect(page.get_by_text("Graphite")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Remove")).click()
    expect(page.get_by_text("Nothing on this list yet.")).to_be_visible()


def test_sharing_copies_the_link_where_there_is_no_sheet(visitors):
    page = visitors.open(permissions=["clipboard-read", "clipboard-write"])
    page.goto("/products/kitchen-radio-no-4")
    page.evaluate("() => { Object.defineProperty(navigator, 'share', { value: undefined }); }")
    page.get_by_role("button", name=re.compile("^Share ")).click()
    expect(page.locator("#announcer")).to_have_text("The link is copied.")
    assert page.evaluate("() => navigator.clipboard.readText()").endswith("/products/kitchen-radio-no-4")


def test_a_buyer_reviews_and_the_product_shows_it(visitors, live_shop):
    page = visitors.open()
    sign_in(page, live_shop.demo["accounts"]["shopper"])
    buy(page)
    expect(page.locator("#headline")).to_have_text("Confirmed")
    page.goto("/products/kitchen-radio-no-4")
    page.get_by_role("link", name=re.compile("review|first")).last.click()
    page.get_by_role("radio", name="5 ★").check(force=True)
    page.get_by_label("What do you say?").fill("Sounds like a kitchen should.")
    page.get_by_role("button", name=re.compile("Publish|Save")).click()
    expect(page.get_by_text("Your review is shown to everybody")).to_be_visible()
    visitor = visitors.open()
    visitor.goto("/products/kitchen-radio-no-4")
    expect(visitor.get_by_text("Sounds like a kitchen should.")).to_be_visible()
    expect(visitor.get_by_text("Verified buyer")).to_be_visible()
