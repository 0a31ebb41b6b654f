"""Which class an order is processed in, and why."""

import pytest

from quickshop.orders.priority import Priority, Thresholds, decide, queue_of
from tasks.queues import ORDER_QUEUES

LIMITS = Thresholds(vip_spend={"USD": 200_000, "JPY": 30_000_000}, high_value_minor=50_000)


@pytest.mark.parametrize(
    ("vip", "spent", "total", "expected"),
    [
        (False, 0, 100, (Priority.STANDARD, "default")),
        (False, 199_999, 49_999, (Priority.STANDARD, "default")),
        (False, 0, 50_000, (Priority.HIGH, "order_value")),
        (False, 199_999, 50_000, (Priority.HIGH, "order_value")),
        (False, 200_000, 100, (Priority.VIP, "lifetime_spend")),
        (False, 200_000, 99_000, (Priority.VIP, "lifetime_spend")),
        (True, 0, 100, (Priority.VIP, "vip_group")),
        (True, 500_000, 99_000, (Priority.VIP, "vip_group")),
    ],
)
def test_the_most_urgent_class_with_its_reason(vip, spent, total, expected):
    assert decide(vip=vip, spent={"USD": spent}, total_minor=total, thresholds=LIMITS) == expected


@pytest.mark.parametrize(
    ("spent", "priority"),
    [
        ({"JPY": 30_000_000}, Priority.VIP),
        ({"JPY": 29_999_999, "USD": 199_999}, Priority.STANDARD),  # sums of different currencies are never added
        ({"EUR": 10**9}, Priority.STANDARD),  # staff set nothing for it
        ({}, Priority.STANDARD),
    ],
    ids=["reached in one", "reached in none", "no threshold", "nothing spent"],
)
def test_what_was_spent_counts_in_its_own_currency(spent, priority):
    assert decide(vip=False, spent=spent, total_minor=100, thresholds=LIMITS)[0] == priority


def test_every_class_has_a_queue_that_workers_know():
    assert [queue_of(p) for p in Priority] == list(ORDER_QUEUES)
