"""Following a product: what is true now, then every change of stock and price within a second, told once to each."""

import time

import pytest

from quickshop.inventory import service as inventory
from quickshop.kernel import db
from quickshop.kernel.unit_of_work import run_unit
from tests.factories import reviews as r
from tests.factories import shop
from tests.factories.sockets import Screen
from tests.factories.waiting import eventually


def told(screen, type_="stock.updated"):
    """What a screen was told of this kind, in order: the data of each event."""
    return [e["data"] for e in list(screen.events) if e["type"] == type_]


def follow(web, shelf):
    return Screen(web.url).follow(f"product:{shelf.product_id}")


def stock(shelf, available, low=False):
    return {"variant_id": str(shelf.variant_id), "available": available, "low": low}


def known_to_relay(servers, shelf):
    """Wait until the relay looks after this product: from then on it has told its state once."""
    eventually(lambda: any(str(shelf.product_id) in note for note in notes(servers)), within=10)


def notes(servers):
    import redis

    with redis.Redis.from_url(servers.redis) as link:
        return [value.decode() for value in link.hvals("quickshop:presence")]


def test_a_new_follower_is_told_what_is_true_now_also_without_a_relay(core, web):
    shelf = r.a_product(stock=3, price=1900)
    with follow(web, shelf) as screen:
        screen.wait_for(lambda events: len(events) >= 2)
        assert told(screen) == [stock(shelf, 3, low=True)]
        price = {"amount": 1900, "currency": "USD"}
        assert told(screen, "price.updated") == [
            {"variant_id": str(shelf.variant_id), "price": price, "compare_at_price": None}
        ]
        (event, _) = screen.events
        assert (event["topic"], event["seq"]) == (f"product:{shelf.product_id}", None)
        assert event["at"].endswith("Z")


def test_a_purchase_is_told_to_the_pages_of_every_process_within_a_second_and_once(
    core, web, second_web, relay, servers
):
    shelf = r.a_product(stock=7)
    with follow(web, shelf) as here, follow(second_web, shelf) as there:
        for screen in (here, there):
            screen.wait_for(lambda events: len(events) >= 2)
        known_to_relay(servers, shelf)
        shop.an_order({shelf.variant_id: 3})
        bought_at = time.monotonic()
        for screen in (here, there):
            screen.wait_for(lambda events: any(e["data"].get("available") == 4 for e in events))
        assert time.monotonic() - bought_at < 3  # a second, and what a busy machine adds
        run_unit(lambda: db.run("UPDATE variants SET price_minor = 500, compare_at_minor = 900"))
        for screen in (here, there):
            screen.wait_for(lambda events: any(e["data"].get("price", {}).get("amount") == 500 for e in events))
            assert told(screen) == [stock(shelf, 7), stock(shelf, 4, low=True)]
            assert [p["price"]["amount"] for p in told(screen, "price.updated")] == [1000, 500]


def test_selling_out_and_coming_back_are_told(core, web, relay, servers):
    shelf = r.a_product(stock=1)
    with follow(web, shelf) as screen:
        screen.wait_for(lambda events: len(events) >= 2)
        known_to_relay(servers, shelf)
        shop.an_order({shelf.variant_id: 1})
        screen.wait_for(lambda events: any(e["data"].get("available") == 0 for e in events))
        run_unit(lambda: inventory.receive({shelf.variant_id: 30}))
        screen.wait_for(lambda events: any(e["data"].get("available") == "many" for e in events))
        assert told(screen) == [stock(shelf, 1, low=True), stock(shelf, 0), stock(shelf, "many")]


def test_how_many_are_left_of_many_is_nobodys_news(core, web, relay, servers):
    shelf, other = r.a_product(stock=100), r.a_product(stock=1)
    with follow(web, shelf) as screen, follow(web, other) as witness:
        screen.wait_for(lambda events: len(events) >= 2)
        known_to_relay(servers, other)
        shop.an_order({shelf.variant_id: 10})
        shop.an_order({other.variant_id: 1})
        witness.wait_for(lambda events: any(e["data"].get("available") == 0 for e in events))
        assert told(screen) == [stock(shelf, "many")]


def test_who_comes_later_is_told_the_latest(core, web, relay, servers):
    shelf = r.a_product(stock=9)
    with follow(web, shelf) as first:
        known_to_relay(servers, shelf)
        shop.an_order({shelf.variant_id: 1})
        first.wait_for(lambda events: any(e["data"].get("available") == 8 for e in events))
        with follow(web, shelf) as second:
            second.wait_for(lambda events: len(events) >= 2)
            assert told(second) == [stock(shelf, 8)]


def test_the_products_of_pages_that_were_left_are_not_looked_at_any_more(core, web, relay, servers):
    shelf = r.a_product(stock=9)
    with follow(web, shelf):
        known_to_relay(servers, shelf)
    eventually(lambda: not any(str(shelf.product_id) in note for note in notes(servers)), within=10)


@pytest.mark.parametrize("topic", ["product:x", "product:0192f0e0-0000-7000-8000-000000000000"])
def test_what_does_not_exist_cannot_be_followed(core, web, topic):
    with Screen(web.url) as screen:
        assert screen.subscribe(topic)["problem"]["code"] == "not_found"
