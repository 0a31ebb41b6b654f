"""The sums of a quote: lines always sum to the total, in minor units."""

import uuid
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from quickshop.checkout.quotes import total_up
from quickshop.orders.placing import NewLine
from quickshop.shipping.rules import Offer

LINES = st.lists(
    st.builds(
        lambda q, p, share: NewLine(
            uuid.uuid4(), "SKU", "Name", {}, q, p, q * p - q * p * share // 100, q * p * share // 100
        ),
        st.integers(1, 9999),
        st.integers(0, 10**7),
        st.integers(0, 100),
    ),
    min_size=1,
    max_size=30,
)


@given(LINES, st.none() | st.integers(0, 10**5))
def test_lines_and_shipping_sum_to_the_total(lines, freight):
    day = date(2026, 11, 16)
    shipping = None if freight is None else Offer("standard", "Standard", freight, day, day)
    totals = total_up(lines, "USD", shipping)
    assert totals.total == sum(line.total_minor for line in lines) + (freight or 0)
    assert totals.total == totals.subtotal - totals.discount + totals.shipping + totals.tax
    assert min(totals.subtotal, totals.discount, totals.shipping, totals.tax, totals.total) >= 0
    assert totals.as_dict()["total"] == {"amount": totals.total, "currency": "USD"}
