"""Prices in the shopper's currency: chosen in the header, shown everywhere, and the bag goes along."""

import re

import pytest

from quickshop.catalog.foreign_prices import drop_price_in, set_price_in
from quickshop.kernel.unit_of_work import run_unit
from tests.factories.pages import stock_shop, submit

pytestmark = pytest.mark.usefixtures("euros_too")
RED = {"product": "morning-mug", "option.colour": "red", "quantity": "1"}


@pytest.fixture(autouse=True)
def variants(app, euros_too):
    made = stock_shop(app, stock=5)
    with app.app_context():
        run_unit(lambda: set_price_in(made["MUG-RED"], "EUR", 1700))
    return made


def choose(client, currency, back="/"):
    return submit(client, "/currency", {"currency": currency, "next": back})


def test_a_shop_with_one_currency_has_no_menu(client, app, settings, monkeypatch):
    assert 'name="currency"' in client.get("/").text
    monkeypatch.setitem(app.extensions, "quickshop.settings", settings)
    assert 'name="currency"' not in client.get("/").text


def test_the_chosen_currency_is_shown_in_lists_suggestions_products_and_the_bag(client):
    page = client.get("/").text
    assert "$19.00" in page and "Shown is what is sold in" not in page
    answer = choose(client, "EUR", "/?category=mugs")
    assert (answer.status_code, answer.location) == (303, "/?category=mugs")
    listing = client.get("/?category=mugs").text
    assert "€17.00" in listing and "$" not in listing.partition("<main")[2]
    assert "Shown is what is sold in EUR" in listing and "Price in EUR" in listing
    assert "€17.00" in client.get("/search/suggest?q=mug").text
    assert "€17.00" in client.get("/products/morning-mug").text
    submit(client, "/cart/items", RED)
    assert "€17.00" in client.get("/cart").text
    assert "Morning Mug" not in client.get("/?min_price=18").text
    assert "Morning Mug" in client.get("/?min_price=16.50&max_price=17").text


def test_a_variant_without_a_price_in_it_cannot_be_put_into_the_bag(client, variants):
    choose(client, "EUR")
    page = client.get("/products/morning-mug").text
    assert "Not sold in EUR" in page  # of the blue one, in what the picker reads
    refused = submit(client, "/cart/items", RED | {"option.colour": "blue"})
    assert refused.status_code == 409 and "no price in the currency" in refused.text


def test_a_product_without_any_price_in_it_is_not_listed_and_its_page_says_so(client, app, variants):
    with app.app_context():
        run_unit(lambda: drop_price_in(variants["MUG-RED"], "EUR"))
    choose(client, "EUR")
    assert "No products" in client.get("/").text
    page = client.get("/products/morning-mug").text
    assert re.search(r"<button[^>]*data-add disabled>Not sold in EUR</button>", page)
    assert '"offers": []' in page


def test_the_bag_follows_the_menu_and_the_menu_the_bag(client, app):
    submit(client, "/cart/items", RED)
    choose(client, "EUR")
    assert "€17.00" in client.get("/cart").text
    submit(client, "/cart/currency", {"currency": "USD"})
    assert "$19.00" in client.get("/products/morning-mug").text
    elsewhere = app.test_client()  # the same bag on another device
    elsewhere.set_cookie("cart", client.get_cookie("cart").value)
    submit(client, "/cart/currency", {"currency": "EUR"})
    elsewhere.get("/")
    assert "€17.00" in elsewhere.get("/products/morning-mug").text


def test_what_is_no_currency_of_the_shop_is_refused_and_strange_cookies_change_nothing(client):
    assert choose(client, "GBP").status_code == 422
    client.set_cookie("currency", "GBP")
    assert "$19.00" in client.get("/").text
    assert choose(client, "EUR", "//evil.example").location == "/"


def test_the_menu_comes_back_without_what_means_something_else_in_other_prices(client):
    page = client.get("/?category=mugs&min_price=5&attr.colour=red").text
    assert 'name="next" value="/?category=mugs&amp;attr.colour=red"' in page
