"""The checker itself: it passes a healthy shop, and sees each kind of damage."""

import pytest

from quickshop.factory import create_app
from quickshop.invoices import issuing
from quickshop.notifications import service as notifications
from quickshop.wishlists import telling
from tests.factories.shop import (
    a_confirmed_order,
    a_declined_order,
    a_member,
    a_variant,
    cancel,
    process_until_ended,
)
from tests.faults.buyers import History
from tests.faults.checker import check
from tests.faults.shops import stock_on_hand


@pytest.fixture
def shop(core, gateway, servers):
    """A healthy shop with four orders, one of them cancelled: what the checker is given."""
    mugs = [a_variant(stock=50) for _ in range(2)]
    before = stock_on_hand(servers)
    orders = [
        a_confirmed_order(items={mugs[0]: 2}),
        a_confirmed_order(items={mugs[1]: 1}, caller=a_member()),
        a_declined_order(items={mugs[0]: 3}),
        a_confirmed_order(items={mugs[1]: 4}),
    ]
    cancel(orders[3])
    process_until_ended(orders[3])
    notifications.drain()
    telling.drain()
    worker = create_app(role="worker", settings=core.extensions["quickshop.settings"])  # which alone may issue
    with worker.app_context():
        issuing.drain()
    servers.run("UPDATE outbox SET sent_at = now()")
    ledger = [
        {"order": c.order, "key": c.key, "state": str(c.state), "captured": c.captured, "refunded": c.refunded}
        for c in gateway.charges.values()
    ]
    history = History()
    for order in orders:
        history.note_accepted(order.number, order.document)
    history.note_cancelled(orders[3].number)
    return {"pair": servers, "ledger": ledger, "history": history, "stock_before": before}


def failing(shop):
    return {c.name for c in check(**shop) if not c.holds}


def test_a_healthy_shop_passes(shop):
    assert failing(shop) == set()


@pytest.mark.parametrize(
    ("damage", "seen"),
    [
        ("UPDATE stock_items SET on_hand = on_hand - 1", "stock sums to what it was"),
        (
            "ALTER TABLE orders DISABLE TRIGGER orders_moves;"
            " UPDATE orders SET status = 'completed' WHERE status = 'cancelled';"
            " ALTER TABLE orders ENABLE TRIGGER orders_moves",
            "what was cancelled stays cancelled",
        ),
        ("UPDATE stock_items SET held = 1", "stock sums to what it was"),
        ("DELETE FROM stock_movements WHERE cause = 'sold'", "every movement of stock has its row"),
        ("DELETE FROM order_events WHERE seq = 2", "logs count 1, 2, 3 … without a gap"),
        ("DELETE FROM account_events WHERE seq = 4", "logs count 1, 2, 3 … without a gap"),
        ("UPDATE order_events SET type = 'order.placed' WHERE seq = 2", "nothing happened to an order twice"),
        ("UPDATE outbox SET sent_at = NULL", "nothing waits to be sent"),
        ("UPDATE stock_holds SET state = 'live'", "no step, lease or hold is left"),
        ("DELETE FROM deliveries", "each shopper was told each thing once"),
        (
            "UPDATE order_processing SET step = 'authorize', ended_at = NULL, next_run_at = now()",
            "no step, lease or hold is left",
        ),
        (
            "ALTER TABLE orders DISABLE TRIGGER orders_moves; UPDATE orders SET status = 'processing';"
            " ALTER TABLE orders ENABLE TRIGGER orders_moves",
            "every order has ended processing",
        ),
        (
            "ALTER TABLE orders DISABLE TRIGGER orders_moves;"
            " UPDATE orders SET payment_status = 'captured' WHERE payment_status = 'failed';"
            " ALTER TABLE orders ENABLE TRIGGER orders_moves",
            "captured charges equal paid orders, each to the cent",
        ),
    ],
)
def test_damage_in_the_database_is_seen(shop, damage, seen):
    shop["pair"].run(damage)
    assert seen in failing(shop)


def test_a_charge_too_many_a_cent_too_much_and_money_left_reserved_are_seen(shop):
    ledger = shop["ledger"]
    again = {**ledger[0], "key": "another"}
    assert "no order was charged twice" in failing(shop | {"ledger": [*ledger, again]})
    more = {**ledger[0], "captured": ledger[0]["captured"] + 1}
    assert "captured charges equal paid orders, each to the cent" in failing(shop | {"ledger": [more, *ledger[1:]]})
    loose = {**ledger[0], "key": "another", "state": "authorized", "captured": 0}
    assert "no money is left reserved" in failing(shop | {"ledger": [*ledger, loose]})
    assert "captured charges equal paid orders, each to the cent" in failing(shop | {"ledger": []})


def test_an_order_that_vanished_one_too_many_and_an_error_are_seen(shop):
    history = shop["history"]
    history.note_accepted("QS-1", {})
    assert "every accepted order exists, and no other" in failing(shop)
    history.accepted.clear()
    assert "every accepted order exists, and no other" in failing(shop)
    history.note(500)
    assert "no buyer saw an error of ours" in failing(shop)
