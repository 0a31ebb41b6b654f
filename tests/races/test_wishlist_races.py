"""Wishlists and alerts under rivals: limits hold, one default, and nobody who asks misses a restock."""

from quickshop.inventory import service as inventory
from quickshop.kernel.unit_of_work import run_unit, unit_of_work
from quickshop.wishlists import alerts, service, telling
from quickshop.wishlists.errors import InStock, TooManyLists, WishlistFull
from tests.factories import reviews as r
from tests.factories.racing import Beside, together, until_blocked
from tests.factories.shop import a_member, look


def test_twenty_hearts_at_once_make_one_default_list(core):
    member = a_member().user_id
    shelves = [r.a_product() for _ in range(20)]
    outcomes = together(
        core,
        *[
            lambda s=s: run_unit(lambda: service.put(member, service.default_list(member), s.variant_id))
            for s in shelves
        ],
    )
    assert outcomes == [True] * 20
    assert [w.is_default for w in look("SELECT is_default FROM wishlists")] == [True]
    assert look("SELECT count(*) AS n FROM wishlist_items")[0].n == 20


def test_limits_hold_for_many_at_once(core, monkeypatch):
    monkeypatch.setattr(service, "MOST_LISTS", 5)
    monkeypatch.setattr(service, "MOST_ITEMS", 5)
    member = a_member().user_id
    made = together(core, *[lambda n=n: run_unit(lambda: service.create(member, f"List {n}")) for n in range(12)])
    assert [type(o) for o in made if isinstance(o, Exception)] == [TooManyLists] * 7
    assert look("SELECT count(*) FILTER (WHERE is_default) AS n, count(*) AS all FROM wishlists")[0]._asdict() == {
        "n": 1,
        "all": 5,
    }
    (wishlist, *_) = [o for o in made if not isinstance(o, Exception)]
    shelves = [r.a_product() for _ in range(12)]
    put = together(core, *[lambda s=s: run_unit(lambda: service.put(member, wishlist, s.variant_id)) for s in shelves])
    assert [type(o) for o in put if isinstance(o, Exception)] == [WishlistFull] * 7


def test_one_guest_asking_twenty_times_at_once_waits_once_and_gets_one_mail(core):
    shelf = r.a_product(stock=0)
    ask = lambda: run_unit(lambda: alerts.ask_as_guest("g@quickshop.example", shelf.product_id, shelf.variant_id))  # noqa: E731
    assert together(core, *[ask] * 20) == [None] * 20
    assert look("SELECT count(*) AS n FROM stock_alerts")[0].n == 1
    assert look("SELECT count(*) AS n FROM persons")[0].n == 1
    assert look("SELECT count(*) AS n FROM pending_facts WHERE type = 'wishlist.alert_asked'")[0].n == 1


def test_who_asks_while_units_arrive_is_told_of_them(core, servers):
    shelf, member = r.a_product(stock=0), a_member().user_id
    with unit_of_work():
        inventory.receive({shelf.variant_id: 1})
        asking = Beside(
            core,
            lambda: together(
                core, lambda: run_unit(lambda: alerts.ask_as_member(member, shelf.product_id, shelf.variant_id))
            )[0],
        )
        until_blocked(servers)
    assert isinstance(asking.result(), InStock)


def test_units_that_arrive_while_somebody_asks_find_the_alert(core, servers):
    shelf, member = r.a_product(stock=0), a_member().user_id
    with unit_of_work():
        alerts.ask_as_member(member, shelf.product_id, shelf.variant_id)
        arriving = Beside(core, lambda: run_unit(lambda: inventory.receive({shelf.variant_id: 1})))
        until_blocked(servers)
    arriving.result()
    assert telling.drain() == 1


def test_several_workers_tell_each_once(core):
    shelf = r.a_product(stock=0)
    members = [a_member().user_id for _ in range(30)]
    for member in members:
        run_unit(lambda m=member: alerts.ask_as_member(m, shelf.product_id, shelf.variant_id))
    for _ in range(4):
        run_unit(lambda: inventory.receive({shelf.variant_id: 1}))
        run_unit(
            lambda: telling.facts.leave("wishlists", "inventory.back_in_stock", {"variant_id": str(shelf.variant_id)})
        )
    assert sum(together(core, *[telling.drain] * 4)) == 30
    assert look("SELECT count(*) AS n FROM pending_facts WHERE type = 'wishlist.back_in_stock'")[0].n == 30
