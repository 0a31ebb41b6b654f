"""What the clock does to the catalogue, by the processes that do it and with the rights they have."""

import threading
from types import SimpleNamespace

import pytest

from quickshop.catalog import changing, pricing, refreshing
from quickshop.factory import create_app
from quickshop.inventory import service as inventory
from quickshop.kernel import db
from quickshop.kernel.ids import new_id
from quickshop.kernel.unit_of_work import run_unit
from tasks.chores import Chores
from tasks.queues import QueueNames, TaskNames
from tests.factories.catalog import a_product, card_of, let_time_pass


@pytest.fixture
def process(settings, clean):
    """Makes the application of a kind of process; its context is active in the block."""
    made = []

    def make(role):
        app = create_app(role=role, settings=settings)
        made.append(app)
        return app.app_context()

    yield make
    for app in made:
        with app.app_context():
            db.db.engine.dispose()


def a_sale_that_has_begun():
    """A product whose sale has begun since it was indexed; its id and its variant's."""
    product, (variant,) = a_product(prices=(1000,), attributes={"new": "value"})
    run_unit(lambda: pricing.schedule_sale(variant, 600, changing_moment()))
    let_time_pass(product, 2)
    return product, variant


def changing_moment():
    return db.scalar("SELECT now() + interval '1 day'")


def test_a_worker_has_the_rights_to_refresh_and_tidy(process):
    with process("web"):
        product, _ = a_sale_that_has_begun()
        assert card_of(product)["price"]["amount"] == 1000
    with process("worker"):
        for work in (refreshing.refresh, refreshing.tally, refreshing.count_sales, refreshing.forget_words):
            run_unit(work)
        assert card_of(product)["price"]["amount"] == 600


def test_a_worker_that_takes_the_last_unit_moves_the_flag(process):
    order = new_id()
    with process("web"):
        product, (variant,) = a_product(stock=1)
        run_unit(lambda: inventory.reserve(order, {variant: 1}))
        assert not card_of(product)["in_stock"]
    with process("worker"):
        run_unit(lambda: inventory.release(order))
        assert card_of(product)["in_stock"]


def test_the_relay_hints_only_while_a_product_is_due(process):
    sent = []
    with process("web"):
        product, _ = a_product()
    with process("relay"):
        chores = Chores(
            None, lambda **more: sent.append(more), None, SimpleNamespace(), lambda: True, threading.Event()
        )
        chores.wake_catalog()
        assert sent == []
    with process("web"):
        run_unit(lambda: changing.publish(product, changing_moment()))
        let_time_pass(product, 2)
    with process("relay"):
        chores.wake_catalog()
    (timed,) = sent[0]["timed"]
    assert (timed.hint.name, timed.hint.queue) == (TaskNames.REFRESH_CATALOG, QueueNames.SYSTEM)
