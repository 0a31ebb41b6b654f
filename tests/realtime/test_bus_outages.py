"""The bus may be down or frozen: clients get every event all the same, a little later."""

import os
import signal

import pytest

from quickshop.config import load_settings
from quickshop.factory import create_app
from tests.factories import reviews, shop
from tests.factories.children import Children
from tests.factories.histories import historian
from tests.factories.servers import running_servers
from tests.factories.sockets import Screen


@pytest.fixture(scope="module")
def pair():
    """Servers of this file's own, since it stops the broker."""
    with running_servers() as own:
        yield own


@pytest.fixture(scope="module")
def processes(pair, tmp_path_factory):
    """The shop's processes on them."""
    started = Children(pair, tmp_path_factory.mktemp("children"))
    yield started
    started.end()


@pytest.fixture(scope="module")
def web(processes):
    """A web process."""
    return processes.start("web")


@pytest.fixture(scope="module")
def relay(processes):
    """A relay that leads."""
    return processes.start("relay")


@pytest.fixture(scope="module")
def own_core(pair, tmp_path_factory):
    """The core on these servers."""
    return create_app(settings=load_settings(pair.environment(tmp_path_factory.mktemp("home"))))


@pytest.fixture
def history(pair):
    """Who writes logs; the database is empty at first."""
    pair.empty()
    with historian(pair) as writer:
        yield writer


@pytest.fixture
def screen(own_core, history, web, relay):
    """A screen that follows an order, and the order."""
    with own_core.app_context():
        order = shop.an_order()
    with Screen(web.url, {"order_token": order.document["token"]}) as opened:
        opened.order = order
        opened.topic = f"order:{order.number}"
        opened.follow(opened.topic, after=0)
        history.order_happens(order)
        opened.wait_for(lambda events: len(events) == 2)
        yield opened


def sees_all(screen, last, within):
    """Assert that the screen sees everything up to `last`, once each and in order."""
    screen.wait_for(lambda events: events[-1]["seq"] >= last, within=within)
    assert screen.seqs(screen.topic) == list(range(1, last + 1))


def test_while_the_bus_is_down_events_come_from_the_log_and_afterwards_from_the_bus(screen, history, pair):
    pair.running.valkey.stop()
    try:
        for _ in range(5):
            last = history.order_happens(screen.order)
        sees_all(screen, last, within=15)
    finally:
        pair.running.valkey.start()
    last = history.order_happens(screen.order)
    sees_all(screen, last, within=15)
    assert not screen.ended.is_set()


def test_a_frozen_bus_is_noticed(screen, history, pair):
    frozen = pair.running.valkey.process.pid
    os.kill(frozen, signal.SIGSTOP)
    try:
        last = history.order_happens(screen.order)
        sees_all(screen, last, within=25)
    finally:
        os.kill(frozen, signal.SIGCONT)
    last = history.order_happens(screen.order)
    sees_all(screen, last, within=15)


def test_a_new_relay_goes_on_where_the_killed_one_stopped(screen, history, relay):
    relay.kill()
    for _ in range(5):
        last = history.order_happens(screen.order)
    relay.start()
    sees_all(screen, last, within=30)


def test_product_pages_are_told_of_changes_while_redis_is_down_and_after(pair, own_core, web, relay):
    pair.empty()
    with own_core.app_context():
        shelf = reviews.a_product(stock=9)
        with Screen(web.url).follow(f"product:{shelf.product_id}") as screen:
            screen.wait_for(lambda events: len(events) >= 2)
            pair.running.valkey.stop()
            try:
                shop.an_order({shelf.variant_id: 1})
                screen.wait_for(lambda events: any(e["data"].get("available") == 8 for e in events), within=20)
            finally:
                pair.running.valkey.start()
            shop.an_order({shelf.variant_id: 1})
            screen.wait_for(lambda events: any(e["data"].get("available") == 7 for e in events), within=20)
            stocks = [e["data"]["available"] for e in screen.events if e["type"] == "stock.updated"]
            assert stocks == [9, 8, 7]
