"""What a file's lines make of products, invoices, addresses and purchases."""

import csv
from collections import Counter
from decimal import Decimal
from pathlib import Path
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickshop.accounts.countries import COUNTRIES
from quickshop.cart import service as cart
from quickshop.demo.replay import countries
from quickshop.demo.replay.catalogue import catalogue, median_minor
from quickshop.demo.replay.invoices import LARGEST_QUANTITY, MOST_ITEMS, Invoice, invoices, purchases
from quickshop.demo.replay.reading import classify, read_file
from tests.unit.test_replay_reading import SLICE, cells


def read(*changes):
    return classify(enumerate([cells(**c) for c in changes], 2))


@pytest.mark.parametrize(
    ("prices", "pence"),
    [("2.08 0.85", 147), ("0.85", 85), ("1 2 9", 200), ("0.29 0.30", 30), ("1.00 1.01 1.02 1.05", 102)],
)
def test_a_median_of_half_a_penny_rounds_up(prices, pence):
    assert median_minor(Decimal(p) for p in prices.split()) == pence


def test_codes_that_differ_only_by_case_are_one_product():
    reading = read(
        {"StockCode": "84970S", "UnitPrice": "0.85", "Quantity": "12"},
        {"StockCode": "84970s", "UnitPrice": "2.08", "Quantity": "4"},
    )
    [product] = catalogue(reading).values()
    assert (product.code, product.slug, product.price_minor, product.units) == ("84970S", "retail-84970s", 147, 16)


def test_the_most_frequent_description_is_the_name_and_of_several_the_first():
    names = ["RED THING", "BLUE THING", "BLUE THING", "damages", "damages", "damages", "RED THING"]
    [product] = catalogue(read(*({"Description": name} for name in names))).values()
    assert product.name == "RED THING"


def test_the_catalogue_of_the_slice_is_what_the_file_says():
    sold = [line for line in read_file(SLICE).sales if line.code == "22801"]
    product = catalogue(read_file(SLICE))["22801"]
    with Path(SLICE).open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["StockCode"] == "22801"]
    assert len(sold) == len(rows) == 3
    assert product.units == sum(int(row["Quantity"]) for row in rows)
    assert product.price_minor == round(median(float(row["UnitPrice"]) for row in rows) * 100)
    assert product.name == Counter(row["Description"] for row in rows).most_common(1)[0][0]


# --- invoices ------------------------------------------------------------------------------------------


def test_the_same_product_twice_in_an_invoice_adds_up_and_both_lines_count():
    reading = read({"Quantity": "1"}, {"Quantity": "16", "UnitPrice": "3.39"})
    [invoice] = invoices(reading.sales)
    assert invoice.units == {"79321": 17}
    assert len(reading.sales) == 2


def test_an_invoice_counts_for_the_day_of_its_first_line():
    late, early = {"InvoiceDate": "2011-03-08T00:01:00"}, {"InvoiceDate": "2011-03-07T23:59:00", "StockCode": "22423"}
    [purchase] = purchases(invoices(read(late, early).sales))
    assert purchase.day.isoformat() == "2011-03-07"


def test_invoices_come_in_time_order():
    first, second = {"InvoiceNo": "2", "InvoiceDate": "2011-03-07T09:00:00"}, {"InvoiceNo": "1"}
    assert [i.number for i in invoices(read(second, first).sales)] == ["2", "1"]


def an_invoice(units):
    return Invoice("581483", read({}).sales[0].at, None, "EIRE", units)


def test_an_invoice_is_one_purchase_while_a_cart_has_room():
    units = {str(10_000 + i): LARGEST_QUANTITY for i in range(MOST_ITEMS)}
    [purchase] = purchases([an_invoice(units)], "again-")
    assert (purchase.reference, purchase.units) == ("again-581483", units)


def test_what_a_cart_has_no_room_for_is_bought_in_parts():
    parts = purchases([an_invoice({"23843": 20_000, "22423": 1})])
    assert [p.reference for p in parts] == ["581483", "581483/2", "581483/3"]
    assert [p.units for p in parts] == [{"23843": 9999, "22423": 1}, {"23843": 9999}, {"23843": 2}]
    assert len({p.caller for p in parts}) == 1


def test_the_limits_of_a_cart_are_the_shops():
    assert (LARGEST_QUANTITY, MOST_ITEMS) == (cart.LARGEST_QUANTITY, cart.MOST_ITEMS)


@given(st.dictionaries(st.integers(0, 1500).map(str), st.integers(1, 50_000), min_size=1, max_size=1200))
def test_parts_hold_all_units_and_fit_their_carts(units):
    together = Counter()
    for part in purchases([an_invoice(units)]):
        assert 1 <= len(part.units) <= MOST_ITEMS
        assert all(1 <= n <= LARGEST_QUANTITY for n in part.units.values())
        together.update(part.units)
    assert together == units


# --- addresses -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "code"),
    [("EIRE", "IE"), ("Channel Islands", "JE"), ("RSA", "ZA"), ("USA", "US"), ("European Community", "BE")],
)
def test_countries_of_the_file(name, code):
    assert countries.code_of(name) == code


def test_every_known_country_is_one_that_the_shop_delivers_to():
    assert set(countries._CODES.values()) <= COUNTRIES


def test_an_unknown_country_is_taken_as_home():
    assert countries.code_of("Atlantis") is None
    assert countries.address("Customer 1", "Atlantis")["country"] == "GB"
    assert countries.address("Customer 1", "")["city"]
