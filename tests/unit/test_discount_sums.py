"""The whole quote, pure: lines, discounts, tax and shipping sum to the total in every currency and any order."""

import os
import random
from datetime import date
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from quickshop.checkout.discounting import discounted, rows, worked_out
from quickshop.checkout.quotes import price
from quickshop.orders.placing import NewLine
from quickshop.promotions.queries import Purse, Terms
from quickshop.promotions.rules import BuyerFacts, Kind, Promotion, Tier
from quickshop.shipping.rules import Offer
from tests.unit.test_quote_totals import TERMS

EXAMPLES = int(os.environ.get("PROPERTY_EXAMPLES", "80"))
CURRENCIES = st.sampled_from(["JPY", "USD", "KWD"])  # none, two and three decimals
VARIANTS = [UUID(int=i) for i in range(1, 9)]
CATEGORIES = [UUID(int=i) for i in range(50, 53)]


def line(variant, quantity, unit, tax_class):
    return NewLine(variant, f"SKU-{variant.int}", "Thing", {}, quantity, unit, quantity * unit, tax_class=tax_class)


LINES = st.dictionaries(
    st.sampled_from(VARIANTS),
    st.tuples(st.integers(1, 50), st.integers(0, 10**7), st.sampled_from(["standard", "reduced"])),
    min_size=1,
).map(lambda drawn: [line(variant, *rest) for variant, rest in drawn.items()])


@st.composite
def promotions(draw):
    return [
        Promotion(
            UUID(int=1000 + number),
            draw(st.sampled_from(list(Kind))),
            f"Promotion {number}",
            rate=draw(st.integers(1, 10_000)),
            amount_minor=draw(st.integers(1, 10**7)),
            tiers=[Tier(draw(st.integers(0, 10**6)), draw(st.integers(1, 10_000)))],
            buy=draw(st.integers(1, 3)),
            get=draw(st.integers(1, 2)),
            categories=frozenset(draw(st.sets(st.sampled_from(CATEGORIES), max_size=1))),
            exclusive=draw(st.booleans()),
            priority=draw(st.integers(0, 3)),
        )
        for number in range(draw(st.integers(0, 5)))
    ]


def quoted(lines, offered, currency, freight, known):
    """(offers, priced, rows) of these lines."""
    scopes = {str(v): (v, frozenset({CATEGORIES[v.int % 3]})) for v in VARIANTS}
    terms = Terms(offered, buyer=BuyerFacts(), scopes=scopes)
    found = worked_out(terms, {x.variant_id: (x.quantity, x.unit_price_minor) for x in lines}, currency)
    way = Offer("standard", "Standard", freight, date(2030, 1, 2), date(2030, 1, 3))
    taken = found.taken_off(freight)
    priced = price(discounted(lines, found.found), currency, way, known, taken)
    taxed = priced.taxed
    return found, priced, rows(found.found, lines, taken, taxed.exempt_lines, taxed.exempt_shipping)


@settings(max_examples=EXAMPLES, deadline=None)
@given(LINES, promotions(), CURRENCIES, st.integers(0, 10**5), TERMS)
def test_lines_discounts_tax_and_shipping_sum_to_the_total(lines, offered, currency, freight, known):
    found, priced, written = quoted(lines, offered, currency, freight, known)
    totals = priced.totals
    assert totals.currency == currency
    assert totals.total == totals.subtotal - totals.discount + totals.shipping + totals.tax >= 0
    assert sum(row["amount_minor"] for row in written) == totals.discount
    for place, (before, after) in enumerate(zip(lines, priced.lines, strict=True), 1):
        off = sum(row["amount_minor"] for row in written if row["line"] == place)
        assert after.discount_minor == off
        assert after.total_minor == before.quantity * before.unit_price_minor - off >= 0
    tax = sum(x.tax_minor for x in priced.lines) + priced.taxed.shipping_tax
    assert tax == totals.tax + totals.tax_included
    shipping_off = sum(row["amount_minor"] for row in written if row["line"] == 0)
    assert 0 <= shipping_off <= freight
    on_top = 0 if known.tax.prices_include_tax else tax
    assert totals.total == sum(x.total_minor for x in priced.lines) + freight - shipping_off + on_top
    told = sum(d["amount"]["amount"] for d in found.documents(priced.freight_off))
    assert told + priced.taxed.exempt_minor == totals.discount


@settings(max_examples=EXAMPLES, deadline=None)
@given(LINES, promotions(), CURRENCIES, TERMS, st.integers(0, 2**32))
def test_the_order_of_lines_never_changes_the_total(lines, offered, currency, known, seed):
    mixed = list(lines)
    random.Random(seed).shuffle(mixed)
    (found, one, _), (same, two, _) = (quoted(x, offered, currency, 700, known) for x in (lines, mixed))
    assert one.totals == two.totals
    assert found.found == same.found
    assert {x.variant_id: x for x in one.lines} == {x.variant_id: x for x in two.lines}


@given(st.integers(0, 10**9), st.lists(st.integers(1, 10**8), max_size=5))
def test_credit_pays_no_more_than_it_has_and_no_more_than_is_due(total, balances):
    purses = [Purse(UUID(int=n), "gift_card", None, balance) for n, balance in enumerate(balances)]
    parts = worked_out(Terms(purses=purses), {}, "USD").paid_by(total)
    assert sum(parts.values()) == min(total, sum(balances))
    assert all(0 < parts[p.id] <= p.balance_minor for p in purses if p.id in parts)
