"""What the relay tells the pages of products: changes only, in one statement, whatever was followed before."""

import threading

import pytest
from redis.exceptions import RedisError

from quickshop.inventory.levels import low, shown
from quickshop.kernel import db
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.monitoring import presence
from quickshop.monitoring.presence import Presence
from tasks import shelf as shelves
from tasks.chores import Chores
from tasks.feed import Feed
from tasks.shelf import Shelf
from tests.factories import reviews as r
from tests.factories import shop


def frames(shelf, *products):
    with reading():
        return [(f["topic"], f["type"], f["data"]) for f in shelf.frames([p.product_id for p in products])]


@pytest.mark.parametrize(
    ("available", "told", "few"),
    [(-1, 0, False), (0, 0, False), (1, 1, True), (5, 5, True), (6, 6, False), (20, 20, False), (21, "many", False)],
)
def test_levels(available, told, few):
    assert (shown(available), low(available)) == (told, few)


def test_a_product_is_told_whole_at_first_and_then_only_what_changed(core):
    mug, cup, shelf = r.a_product(stock=9), r.a_product(stock=9), Shelf()
    assert [f[:2] for f in frames(shelf, mug)] == [
        (f"product:{mug.product_id}", "stock.updated"),
        (f"product:{mug.product_id}", "price.updated"),
    ]
    assert frames(shelf, mug) == []
    shop.an_order({mug.variant_id: 1})
    made = frames(shelf, mug, cup)
    stocks = {f[0]: f[2]["available"] for f in made if f[1] == "stock.updated"}
    assert stocks == {f"product:{mug.product_id}": 8, f"product:{cup.product_id}": 9}
    assert frames(shelf, mug, cup) == []


def test_what_nobody_followed_meanwhile_is_told_whole_again(core):
    mug, shelf = r.a_product(), Shelf()
    frames(shelf, mug)
    frames(shelf)
    assert len(frames(shelf, mug)) == 2


def test_a_thousand_followed_products_cost_one_statement_and_none_cost_none(core):
    mug, shelf, seen = r.a_product(), Shelf(), []
    db.watchers.append(seen.append)
    try:
        frames(shelf, mug, mug, mug)
        frames(shelf)
    finally:
        db.watchers.remove(seen.append)
    assert len(seen) == 1


def test_more_products_than_one_look_takes_come_in_turns(core, monkeypatch):
    monkeypatch.setattr(shelves, "MOST", 2)
    products, shelf = [r.a_product() for _ in range(3)], Shelf()
    first, second = frames(shelf, *products), frames(shelf, *products)
    assert len({f[0] for f in first}) == 2
    assert {f[0] for f in first + second} == {f"product:{p.product_id}" for p in products}


def test_a_relay_that_did_not_lead_for_a_while_tells_everything_again(core, monkeypatch):
    mug, shelf = r.a_product(), Shelf()
    frames(shelf, mug)
    monkeypatch.setattr(shelves, "_STALE_SECONDS", -1.0)
    assert len(frames(shelf, mug)) == 2


def test_what_could_not_be_sent_is_told_again_and_nobody_following_asks_nothing(core, broker):
    mug, sent = r.a_product(), []

    def send(frames=(), **_):
        sent.append(list(frames))
        if len(sent) == 1:
            raise RedisError

    chores = Chores(core, send, broker, Feed(), lambda: True, threading.Event())
    chores.tell_products()
    assert sent == []
    presence.note(broker, "web-1", Presence(1, 0, frozenset({mug.product_id})))
    with pytest.raises(RedisError):
        chores.tell_products()
    chores.tell_products()
    assert [len(frames) for frames in sent] == [2, 2]
    chores.tell_products()
    assert len(sent) == 2


def test_the_products_of_all_processes_are_followed_and_older_ones_note_none(core, broker):
    mug, cup = r.a_product(), r.a_product()
    presence.note(broker, "web-1", Presence(1, 0, frozenset({mug.product_id})))
    presence.note(broker, "web-2", Presence(1, 0, frozenset({mug.product_id, cup.product_id})))
    broker.hset(presence.KEY, "web-3", "[9e9, 4, 0]")
    assert presence.look(broker).products == {mug.product_id, cup.product_id}
    broker.hset(presence.KEY, "web-3", f"[{presence.time()}, 4, 0]")
    assert presence.look(broker) == Presence(6, 0, frozenset({mug.product_id, cup.product_id}))


def test_a_waiting_fact_wakes_the_wishlists(core, broker):
    sent = []
    chores = Chores(core, lambda hints=(), **_: sent.extend(hints), broker, Feed(), lambda: True, threading.Event())
    chores.wake_wishlists()
    assert sent == []
    r.a_product(stock=1)
    chores.wake_wishlists()
    assert [(hint.name, hint.queue) for hint in sent] == [("wishlists.tell", "system")]
    run_unit(lambda: db.run("DELETE FROM pending_facts"))
