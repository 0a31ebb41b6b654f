"""Shipping and taxes on the staff's pages, without scripts, and what a shopper sees of it at checkout."""

import re

import pytest

from tests.factories.accounts import rows
from tests.factories.pages import hidden_fields, stock_shop, submit
from tests.factories.staff_pages import a_staff_client

METHOD = {
    "code": "parcel", "currency": "USD", "name": "Parcel", "kind": "delivery", "zone": "", "price": "7.00",
    "priced_by": "flat", "min_days": "1", "max_days": "3", "active": "on",
}  # fmt: skip
RATE = {"country": "us", "region": "New York", "tax_class": "standard", "name": "Sales tax", "rate": "8.875"}
DAY = {
    "timezone": "Europe/Berlin", "cut_off": "15:30", "handling_days": "1", "orders_per_day": "40",
    "working_days": "1", "home_country": "de", "home_region": "",
}  # fmt: skip


@pytest.fixture
def staff(app):
    """A member of staff in a browser, and a shop with one product and two ways of shipping."""
    variants = stock_shop(app)
    client = a_staff_client(app)
    client.variants = variants
    return client


def done(answer, address):
    assert answer.status_code == 303, answer.text
    assert answer.location == address
    return True


def shipped(staff, path, fields=()):
    return done(submit(staff, f"/admin/shipping{path}", dict(fields)), "/admin/shipping")


def taxed(staff, path, fields=()):
    return done(submit(staff, f"/admin/taxes{path}", dict(fields)), "/admin/taxes")


def refused(answer, *words):
    assert 400 <= answer.status_code < 500
    assert all(word in answer.text for word in words), answer.text
    return True


# --- shipping -----------------------------------------------------------------------------------------


def test_a_way_of_shipping_is_made_changed_and_removed(staff):
    bands = {"priced_by": "weight", "bands": "2000: 9.00\n5000: 12.50", "max_weight_grams": "20000"}
    assert shipped(staff, "/methods", METHOD | bands)
    [made] = rows(staff, "SELECT * FROM shipping_methods WHERE code = 'parcel'")
    assert (made.price_minor, made.priced_by, made.max_weight_grams, made.active) == (700, "weight", 20_000, True)
    kept = rows(staff, "SELECT starts_at, price_minor FROM shipping_bands WHERE method_code = 'parcel' ORDER BY 1")
    assert [tuple(band) for band in kept] == [(2000, 900), (5000, 1250)]
    page = staff.get("/admin/shipping").text
    assert "2000: 9.00" in page and "$7.00 and up" in page
    unticked = {name: value for name, value in METHOD.items() if name != "active"}
    assert shipped(staff, "/methods/parcel", unticked | {"price": "6.50"})
    [made] = rows(staff, "SELECT * FROM shipping_methods WHERE code = 'parcel'")
    assert (made.price_minor, made.active) == (650, False)
    assert "Not offered" in staff.get("/admin/shipping").text
    assert shipped(staff, "/methods/parcel/remove")
    assert refused(submit(staff, "/admin/shipping/methods/parcel/remove"), "No such shipping method")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"code": "Big Parcel"}, "lower-case"),
        ({"code": "standard"}, "with this code"),
        ({"price": ""}, "has a price"),
        ({"price": "7.001"}, "19.99"),
        ({"min_days": "4"}, "begins before it ends"),
        ({"zone": "nowhere"}, "No such zone"),
        ({"bands": "2000: 9.00"}, "no bands"),
        ({"priced_by": "weight", "bands": "heavy: 9.00"}, "whole number"),
        ({"priced_by": "value", "bands": "0: 9.00"}, "above 0"),
        ({"min_value": "9", "max_value": "8"}, "not above"),
        ({"kind": "pigeon"}, "delivery"),
        ({"currency": "usd"}, "capital letters"),
    ],
)
def test_a_way_of_shipping_that_cannot_be_is_refused_in_words(staff, change, word):
    assert refused(submit(staff, "/admin/shipping/methods", METHOD | change), word)
    assert len(rows(staff, "SELECT 1 FROM shipping_methods")) == 2


def test_zones_holidays_and_the_shops_day(staff):
    assert shipped(staff, "/zones", {"code": "north", "name": "North", "places": "CA, us-ak\nMX"})
    assert re.search(r"CA, MX, US-AK", staff.get("/admin/shipping").text)
    assert refused(submit(staff, "/admin/shipping/zones", {"code": "x", "name": "X", "places": "CA"}), "another zone")
    assert shipped(staff, "/zones/north/remove")
    assert shipped(staff, "/holidays", {"day": "2035-12-25", "name": "Christmas Day"})
    assert "Christmas Day" in staff.get("/admin/shipping").text
    assert refused(submit(staff, "/admin/shipping/holidays", {"day": "Christmas", "name": "X"}), "2027-05-31")
    assert shipped(staff, "/holidays/2035-12-25/remove")
    assert staff.get("/admin/shipping").text.count("Christmas Day") == 0
    assert shipped(staff, "/day", DAY)
    [day] = rows(staff, "SELECT * FROM shipping_settings")
    assert (day.timezone, str(day.cut_off), day.handling_days, day.orders_per_day, day.home_country) == (
        "Europe/Berlin", "15:30:00", 1, 40, "DE",
    )  # fmt: skip
    assert refused(submit(staff, "/admin/shipping/day", DAY | {"timezone": "Mars"}), "Not a time zone")


def test_what_is_done_on_the_pages_is_in_the_audit_log(staff):
    assert shipped(staff, "/methods", METHOD)
    assert taxed(staff, "/rates", RATE)
    entries = rows(staff, "SELECT action, target, data FROM audit_log WHERE chain = 'staff' ORDER BY seq DESC LIMIT 2")
    assert [e.action for e in entries] == ["staff.make_tax_rate", "staff.make_method"]
    assert entries[1].target == "shipping-method:parcel"
    assert entries[1].data["after"]["price"]["amount"] == 700
    assert entries[0].data["after"]["rate"] == "8.875"


@pytest.mark.parametrize("address", ["/admin/shipping", "/admin/taxes"])
def test_support_has_no_leave_for_these_pages(app, address):
    assert a_staff_client(app, "support").get(address).status_code == 403


# --- taxes --------------------------------------------------------------------------------------------


def test_rates_and_classes_are_made_changed_and_removed(staff):
    assert taxed(staff, "/classes", {"code": "food", "name": "Food"})
    assert taxed(staff, "/rates", RATE)
    [rate] = rows(staff, "SELECT * FROM tax_rates")
    assert (rate.country, rate.region, rate.millionths) == ("US", "NY", 88_750)
    assert "8.875%" in staff.get("/admin/taxes").text
    assert refused(submit(staff, "/admin/taxes/rates", RATE), "has a rate of this name")
    assert taxed(staff, f"/rates/{rate.id}", RATE | {"rate": "9", "tax_class": "food"})
    assert refused(submit(staff, "/admin/taxes/classes/food/remove"), "have this class")
    assert refused(submit(staff, f"/admin/taxes/rates/{rate.id}", RATE | {"rate": "nine"}), "percent")
    assert taxed(staff, f"/rates/{rate.id}/remove")
    assert taxed(staff, "/classes/food/remove")
    assert [r.code for r in rows(staff, "SELECT code FROM tax_classes")] == ["standard"]
    assert taxed(staff, "/settings", {"prices": "without", "shipping_class": "standard"})
    assert rows(staff, "SELECT prices_include_tax FROM tax_settings")[0].prices_include_tax is False


def test_a_product_is_given_its_class_on_its_page(staff):
    [product] = rows(staff, "SELECT id, name, slug, description FROM products")
    address = f"/admin/products/{product.id}"
    assert "Tax class" not in staff.get(address).text  # with one class there is nothing to choose
    assert taxed(staff, "/classes", {"code": "food", "name": "Food"})
    assert "Tax class" in staff.get(address).text
    fields = {"name": product.name, "slug": product.slug, "description": product.description, "tax_class": "food"}
    fields |= {"options": "colour: red, blue", "attributes": "", "related": ""}
    assert submit(staff, address, fields).status_code == 303
    assert rows(staff, "SELECT tax_class FROM products")[0].tax_class == "food"
    assert refused(submit(staff, address, fields | {"tax_class": "unknown"}), "No such tax class")


# --- the shopper --------------------------------------------------------------------------------------


ALBANY = {
    "email": "guest@quickshop.example", "name": "Robin", "line1": "1 Main Street", "city": "Albany", "region": "NY",
    "postal_code": "12207", "country": "US", "payment": "tok_approve",
}  # fmt: skip


@pytest.fixture
def shopper(app, staff):
    """A guest with a mug, in a shop that adds tax and sends parcels to New York alone."""
    assert taxed(staff, "/settings", {"prices": "without", "shipping_class": "standard"})
    assert taxed(staff, "/rates", RATE)
    assert shipped(staff, "/zones", {"code": "ny", "name": "New York", "places": "US-NY"})
    assert shipped(staff, "/methods", METHOD | {"zone": "ny"})
    shop = {"kind": "pickup", "code": "shop", "name": "Fetch it", "price": "0", "note": "1 Market Street"}
    assert shipped(staff, "/methods", METHOD | shop)
    client = app.test_client()
    submit(client, "/cart/items", {"product": "morning-mug", "option.colour": "red", "quantity": "1"})
    return client


def test_the_page_offers_and_taxes_for_the_address_that_is_typed(shopper):
    typed = hidden_fields(shopper.get("/checkout").text) | ALBANY | {"shipping_method": "parcel"}
    there = submit(shopper, "/checkout/quote", typed).text
    assert "Sales tax 8.875%, NY" in there
    assert "$28.31" in there  # 19.00 and 1.69 of tax, 7.00 and 0.62
    assert "1 Market Street" in there and "Ready " in there
    elsewhere = submit(shopper, "/checkout/quote", typed | {"region": "OR", "postal_code": "97201"}).text
    assert "Sales tax" not in elsewhere
    assert 'value="parcel"' not in elsewhere


def test_an_order_shows_its_tax_and_where_to_fetch_it(shopper):
    typed = hidden_fields(shopper.get("/checkout").text) | ALBANY | {"shipping_method": "shop"}
    typed |= hidden_fields(submit(shopper, "/checkout/quote", typed).text)
    placed = submit(shopper, "/checkout", typed | {"shipping_method": "shop"})
    assert placed.status_code == 303, placed.text
    page = shopper.get(placed.location).text
    assert "Fetch it" in page and "1 Market Street" in page
    assert "Going to" not in page
