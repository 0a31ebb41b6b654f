"""Stock under rivals: nothing sold twice, nothing missed, nothing left held, whoever comes first."""

import random

from quickshop.accounts.callers import ANONYMOUS
from quickshop.cart.errors import CartClosed
from quickshop.checkout.service import place_order, start_hold
from quickshop.inventory import service as inventory
from quickshop.inventory.errors import OutOfStock
from quickshop.kernel import db
from quickshop.kernel.ids import new_id
from quickshop.kernel.unit_of_work import run_unit, unit_of_work
from tests.factories.racing import Beside, together, until_blocked
from tests.factories.shop import a_cart, a_variant, a_wish, an_order, look, stock_of


def placing(ref, **wish):
    """A function that places this cart's order."""
    asked = a_wish(ref, **wish)
    return lambda: run_unit(lambda: place_order(ANONYMOUS, ref, asked))


def test_forty_buyers_of_ten_units_make_ten_orders(core):
    mug = a_variant(stock=10)
    buyers = [placing(a_cart({mug: 1})) for _ in range(40)]
    outcomes = together(core, *buyers)
    orders = [o for o in outcomes if isinstance(o, dict)]
    assert len(orders) == 10
    refusals = [o for o in outcomes if not isinstance(o, dict)]
    assert {type(o) for o in refusals} == {OutOfStock}
    assert all(o.extra["shortages"][0]["available"] == 0 for o in refusals)
    assert stock_of(mug) == (10, 10)
    assert look("SELECT count(*) AS n FROM orders")[0].n == 10
    assert look("SELECT count(*) AS n FROM carts WHERE state = 'active'")[0].n == 30
    assert look("SELECT sum(quantity) AS n FROM stock_hold_lines")[0].n == 10


def test_carts_with_the_same_products_in_other_orders_never_deadlock(core, servers):
    shelf = [a_variant(stock=1000) for _ in range(6)]
    dice = random.Random(7)
    buyers = [placing(a_cart(dict.fromkeys(dice.sample(shelf, 5), 1))) for _ in range(40)]
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    before = servers.run(deadlocks)
    outcomes = together(core, *buyers)
    assert [o for o in outcomes if not isinstance(o, dict)] == []
    assert servers.run(deadlocks) == before
    assert sum(stock_of(v)[1] for v in shelf) == 40 * 5


def test_units_given_back_while_a_buyer_waits_are_sold_to_that_buyer(core, servers):
    mug = a_variant(stock=1)
    first, late = an_order({mug: 1}), new_id()
    with unit_of_work():
        inventory.release(first.id)
        buyer = Beside(core, lambda: run_unit(lambda: inventory.reserve(late, {mug: 1})))
        until_blocked(servers)
    buyer.result()
    assert stock_of(mug) == (1, 1)
    assert [r.order_id for r in look("SELECT order_id FROM stock_holds WHERE state = 'live'")] == [late]


def test_units_taken_while_a_buyer_waits_are_gone(core, servers):
    mug = a_variant(stock=1)
    late = placing(a_cart({mug: 1}))
    with unit_of_work():
        inventory.reserve(new_id(), {mug: 1})
        buyer = Beside(core, lambda: together(core, late)[0])
        until_blocked(servers)
    refusal = buyer.result()
    assert isinstance(refusal, OutOfStock)
    assert [s["available"] for s in refusal.shortages] == [0]


def test_a_hold_that_runs_out_while_its_cart_is_ordered_is_released_once(core):
    for _ in range(10):
        mug = a_variant(stock=2)
        ref = a_cart({mug: 2})
        run_unit(lambda ref=ref: start_hold(ref))
        run_unit(lambda: db.run("UPDATE stock_holds SET expires_at = now() - interval '1 s' WHERE state = 'live'"))
        outcomes = together(core, placing(ref), lambda: run_unit(inventory.release_expired))
        assert isinstance(outcomes[0], dict), outcomes
        assert not isinstance(outcomes[1], Exception), outcomes
        assert stock_of(mug) == (2, 2)
        live = look("SELECT cart_id, order_id FROM stock_holds WHERE state = 'live' AND cart_id = :c", c=ref.id)
        assert live == []


def test_a_hold_asked_for_while_its_cart_is_ordered_leaves_nothing_held_twice(core):
    for _ in range(10):
        mug = a_variant(stock=2)
        ref = a_cart({mug: 2})
        outcomes = together(core, placing(ref), lambda ref=ref: run_unit(lambda: start_hold(ref)))
        assert isinstance(outcomes[0], dict), outcomes
        assert isinstance(outcomes[1], (dict, CartClosed)), outcomes
        assert stock_of(mug) == (2, 2)
        assert look("SELECT 1 FROM stock_holds WHERE state = 'live' AND cart_id = :c", c=ref.id) == []


def test_an_order_placed_while_its_hold_is_being_made_uses_that_hold(core, servers):
    mug = a_variant(stock=2)
    ref = a_cart({mug: 2})
    order = placing(ref)
    with unit_of_work():
        start_hold(ref)
        buyer = Beside(core, order)
        until_blocked(servers)
    assert buyer.result()["status"] == "placed"
    assert stock_of(mug) == (2, 2)


def test_expired_holds_are_freed_by_several_sweepers_once(core):
    mug = a_variant(stock=50)
    for _ in range(20):
        ref = a_cart({mug: 2})
        run_unit(lambda ref=ref: start_hold(ref))
    run_unit(lambda: db.run("UPDATE stock_holds SET expires_at = now() - interval '1 s'"))

    def sweep():
        freed = 0
        while got := run_unit(inventory.release_expired):
            freed += got
        return freed

    assert sum(together(core, *[sweep] * 4)) == 20
    assert stock_of(mug) == (50, 0)
