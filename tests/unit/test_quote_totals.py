"""The sums of a quote: lines always sum to the total, in minor units, in every currency, whatever is taxed how."""

import os
import uuid
from dataclasses import replace
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from quickshop.accounts.places import Place
from quickshop.checkout.quotes import price
from quickshop.checkout.terms import Terms
from quickshop.orders.placing import NewLine
from quickshop.shipping.rules import Calendar, Offer
from quickshop.shipping.rules import Terms as Shipping
from quickshop.tax.rules import Rate
from quickshop.tax.rules import Terms as Tax

MANY = settings(max_examples=int(os.environ.get("PRICING_EXAMPLES", "100")), deadline=None)
LINES = st.lists(
    st.builds(
        lambda q, p, share, tax_class: NewLine(
            uuid.uuid4(), "SKU", "Name", {}, q, p, q * p - q * p * share // 100, q * p * share // 100, tax_class
        ),
        st.integers(1, 9999),
        st.integers(0, 10**7),
        st.integers(0, 100),
        st.sampled_from(["standard", "reduced", "none"]),
    ),
    min_size=1,
    max_size=30,
)
HOME, AWAY = Place("US", "NY"), Place("CA", "QC")
RATES = (
    Rate("US", "NY", "Sales tax", 88_750),
    Rate("CA", "", "GST", 50_000),
    Rate("CA", "", "GST", 20_000, "reduced"),
    Rate("CA", "QC", "QST", 99_750),
)
TERMS = st.builds(
    lambda included, exempt, shipping_class: Terms(
        AWAY, False, Shipping((), None, Calendar(), HOME), Tax(included, shipping_class, RATES), exempt
    ),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["standard", "none"]),
)
DAY = date(2026, 11, 16)
OFFERS = st.none() | st.builds(
    lambda freight, kind: Offer("standard", "Standard", freight, DAY, DAY, kind),
    st.integers(0, 10**5),
    st.sampled_from(["delivery", "pickup"]),
)
CURRENCIES = st.sampled_from(["USD", "EUR", "JPY", "KWD"])


@MANY
@given(LINES, OFFERS, TERMS, CURRENCIES)
def test_lines_shipping_and_tax_sum_to_the_total(lines, shipping, terms, currency):
    priced = price(lines, currency, shipping, terms)
    totals, included = priced.totals, terms.tax.prices_include_tax
    freight = shipping.price_minor if shipping else 0
    assert totals.total == totals.subtotal - totals.discount + totals.shipping + totals.tax
    assert totals.total == sum(line.total_minor for line in priced.lines) + (
        freight - priced.taxed.exempt_shipping + totals.tax
    )
    assert min(totals.subtotal, totals.discount, totals.shipping, totals.tax, totals.tax_included, totals.total) >= 0
    tax = sum(line.tax_minor for line in priced.lines) + priced.taxed.shipping_tax
    assert tax == (totals.tax_included if included else totals.tax)
    assert (totals.tax if included else totals.tax_included) == 0
    assert tax == sum(line["tax"]["amount"] for line in priced.tax_lines)
    for line in priced.lines:  # what the database asks of a line
        assert line.total_minor == line.quantity * line.unit_price_minor - line.discount_minor
        assert line.total_minor >= 0
    assert totals.as_dict()["total"] == {"amount": totals.total, "currency": currency}


@MANY
@given(LINES, OFFERS, TERMS, st.randoms())
def test_the_order_of_lines_changes_nothing(lines, shipping, terms, chance):
    shuffled = list(lines)
    chance.shuffle(shuffled)
    one, other = price(lines, "USD", shipping, terms), price(shuffled, "USD", shipping, terms)
    assert one.totals == other.totals
    assert one.tax_lines == other.tax_lines


@MANY
@given(LINES, OFFERS, TERMS)
def test_an_exempt_buyer_pays_exactly_what_is_not_tax(lines, shipping, terms):
    usual = price(lines, "USD", shipping, replace(terms, exempt=False)).totals
    exempt = price(lines, "USD", shipping, replace(terms, exempt=True))
    assert exempt.totals.total == usual.total - usual.tax - usual.tax_included
    assert (exempt.totals.tax, exempt.totals.tax_included, exempt.tax_lines) == (0, 0, [])
    assert exempt.totals.discount == usual.discount + exempt.taxed.exempt_minor
    assert exempt.totals.shipping == usual.shipping


@MANY
@given(LINES, st.integers(0, 10**5), TERMS)
def test_what_is_fetched_is_taxed_where_the_shop_is(lines, freight, terms):
    terms = replace(terms, exempt=False)
    fetched = price(lines, "USD", Offer("p", "P", freight, DAY, DAY, "pickup"), terms)
    sent = price(lines, "USD", Offer("p", "P", freight, DAY, DAY), replace(terms, destination=HOME))
    assert fetched.totals == sent.totals
    assert {line["country"] for line in fetched.tax_lines} <= {"US"}
