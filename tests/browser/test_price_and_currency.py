"""A price that changes while somebody checks out, and buying in another currency than the shop's own."""

import re

from playwright.sync_api import expect

from tests.factories.browsing import buy, fill_bag, fill_checkout, headline, place_order

DRUM = "/products/parade-snare-drum"


def cost_more(shop, cents):
    """Raise what the drum costs."""
    shop.pair.run(
        "UPDATE variants SET price_minor = price_minor + %s WHERE product_id ="
        " (SELECT id FROM products WHERE slug = 'parade-snare-drum')",
        cents,
    )


def orders(shop):
    return shop.pair.run("SELECT count(*) FROM orders")[0][0]


def choose(page, currency):
    """Take a currency from the header's menu."""
    page.locator("[data-menu] summary").click()
    page.get_by_role("button", name=currency).click()
    expect(page.locator("[data-menu] .menu-now")).to_have_text(currency)


def dollars(text):
    """The amount on a button, in cents."""
    return int(re.sub(r"[^0-9]", "", text))


def test_a_price_that_changes_during_the_checkout_is_asked_about_before_anything_is_ordered(page, live_shop):
    fill_bag(page, DRUM)
    fill_checkout(page, "careful@quickshop.example")
    button = page.get_by_role("button", name=re.compile("^Place order"))
    before, made = dollars(button.text_content()), orders(live_shop)
    cost_more(live_shop, 700)
    try:
        button.click()
        asked = page.locator("#problem")
        expect(asked).to_contain_text("Please look at the total")
        expect(asked).to_contain_text("Nothing has been ordered yet")
        expect(asked.get_by_role("listitem")).to_contain_text("Parade Snare Drum")
        assert orders(live_shop) == made
        # What was typed stays, and the new total stands on the button: pressing it again is the consent.
        expect(page.get_by_label("E-mail")).to_have_value("careful@quickshop.example")
        assert dollars(button.text_content()) == before + 700
        place_order(page)
        expect(headline(page)).to_have_text("Confirmed")
        assert orders(live_shop) == made + 1
        charge = next(c for c in live_shop.ledger() if c["order"] == page.url.rpartition("/")[2])
        assert (charge["state"], charge["amount"]) == ("captured", before + 700)
    finally:
        cost_more(live_shop, -700)


def test_the_currency_of_the_header_is_that_of_lists_bag_and_charge(page, live_shop):
    page.goto("/?category=audio")
    expect(page.locator("#cards .price").first).to_contain_text("$")
    choose(page, "EUR")
    page.wait_for_url("**/?category=audio")
    expect(page.locator("#cards .price").first).to_contain_text("€")
    number = buy(page, "euro@quickshop.example")
    expect(headline(page)).to_have_text("Confirmed")
    charge = next(c for c in live_shop.ledger() if c["order"] == number)
    assert (charge["state"], charge["currency"]) == ("captured", "EUR")


def test_the_menu_closes_by_escape_and_by_a_click_elsewhere(page):
    page.goto("/")
    menu, choice = page.locator("[data-menu]"), page.get_by_role("button", name="GBP")
    menu.locator("summary").click()
    expect(choice).to_be_visible()
    page.keyboard.press("Escape")
    expect(choice).to_be_hidden()
    expect(menu.locator("summary")).to_be_focused()
    menu.locator("summary").press("Enter")
    expect(choice).to_be_visible()
    page.locator("h1").click()
    expect(choice).to_be_hidden()


def test_an_open_page_in_another_currency_follows_a_sale_of_the_shop(page, live_shop):
    page.goto("/")
    choose(page, "EUR")
    with page.expect_websocket() as opened:
        page.goto("/products/first-chair-violin-outfit")
    # The topic tells the present state first; what changes after that is news.
    opened.value.wait_for_event("framereceived", lambda frame: "price.updated" in str(frame))
    price = page.locator("[data-price]")
    expect(price).to_contain_text("€")
    whose = "(SELECT v.id FROM variants v JOIN products p ON p.id = v.product_id WHERE p.slug LIKE 'first-chair%%')"
    live_shop.pair.run(
        f"UPDATE variant_prices SET sale_price_minor = 12345 WHERE currency = 'EUR' AND variant_id IN {whose}"
    )
    live_shop.pair.run(f"UPDATE variants SET sale_price_minor = price_minor - 1 WHERE id IN {whose}")
    expect(price).to_contain_text("€123.45")
    live_shop.pair.run(f"UPDATE variants SET sale_price_minor = NULL WHERE id IN {whose}")
    expect(price).not_to_contain_text("€123.45")
