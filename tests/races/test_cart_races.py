"""One cart from several devices, sign-ins at once, and holds that are changed in other orders."""

import random
from collections import Counter

from quickshop.accounts.callers import Caller
from quickshop.cart import service as carts
from quickshop.cart.errors import CartClosed
from quickshop.cart.merging import merge_on_login
from quickshop.checkout.service import start_hold
from quickshop.kernel.errors import NotFound
from quickshop.kernel.unit_of_work import run_unit
from tests.factories.racing import together
from tests.factories.shop import a_cart, a_member, a_variant, look, stock_of


def inside(ref):
    found = look("SELECT variant_id, quantity FROM cart_items WHERE cart_id = :c", c=ref.id)
    return {r.variant_id: r.quantity for r in found}


def test_additions_from_many_devices_all_count(core):
    mug = a_variant(stock=100)
    ref = a_cart({mug: 1})
    outcomes = together(core, *[lambda: run_unit(lambda: carts.add_item(ref, mug, 2)) for _ in range(10)])
    assert (outcomes, inside(ref)) == ([None] * 10, {mug: 21})


def test_an_item_that_two_devices_take_out_is_taken_out_once_and_one_that_is_changed_stays_whole(core):
    mug = a_variant(stock=100)
    for _ in range(5):
        ref = a_cart({mug: 3})
        [item] = look("SELECT id FROM cart_items WHERE cart_id = :c", c=ref.id)
        out = [
            lambda ref=ref, item=item: run_unit(lambda: carts.remove_item(ref, item.id)),
            lambda ref=ref, item=item: run_unit(lambda: carts.save_for_later(ref, item.id)),
            lambda ref=ref, item=item: run_unit(lambda: carts.set_quantity(ref, item.id, 5)),
        ]
        outcomes = together(core, *out)
        assert sum(isinstance(o, NotFound) for o in outcomes[:2]) == 1
        [aside] = look("SELECT quantity FROM cart_asides WHERE cart_id = :c", c=ref.id)
        assert (inside(ref), aside.quantity) == ({}, 3 if isinstance(outcomes[2], NotFound) else 5)


def test_a_removal_undone_twice_at_once_comes_back_once(core):
    mug = a_variant()
    ref = a_cart({mug: 3})
    [item] = look("SELECT id FROM cart_items WHERE cart_id = :c", c=ref.id)
    run_unit(lambda: carts.remove_item(ref, item.id))
    outcomes = together(core, *[lambda: run_unit(lambda: carts.restore_item(ref, item.id)) for _ in range(4)])
    assert (Counter(map(type, outcomes)), inside(ref)) == (Counter({NotFound: 3, type(None): 1}), {mug: 3})


def test_a_guest_who_signs_in_twice_at_once_joins_the_carts_once(core):
    who = a_member()
    mug, tray = a_variant(), a_variant()
    guest = a_cart({mug: 2, tray: 4})
    a_cart({mug: 3}, who)
    joining = [lambda: run_unit(lambda: merge_on_login(who.user_id, guest.token)) for _ in range(4)]
    adding = [lambda: run_unit(lambda: carts.add_item(guest, mug, 1))]
    outcomes = together(core, *joining, *adding)
    assert [o for o in outcomes[:4] if o is not None] == []
    assert outcomes[4] is None or isinstance(outcomes[4], CartClosed)
    mine = run_unit(lambda: carts.open_cart(Caller(user_id=who.user_id), None))
    assert inside(mine) == {mug: 3, tray: 4}


def test_holds_that_grow_in_other_orders_never_deadlock(core, servers):
    shelf = [a_variant(stock=1000) for _ in range(4)]
    dice = random.Random(11)
    refs = []
    for _ in range(10):
        ref = a_cart({dice.choice(shelf): 1})
        run_unit(lambda ref=ref: start_hold(ref))
        run_unit(lambda ref=ref: [carts.add_item(ref, v, 1) for v in shelf])
        refs.append(ref)
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    before = servers.run(deadlocks)
    outcomes = together(core, *[lambda ref=ref: run_unit(lambda: start_hold(ref)) for ref in refs])
    assert [o for o in outcomes if not isinstance(o, dict)] == []
    assert servers.run(deadlocks) == before
    assert sum(stock_of(v)[1] for v in shelf) == 10 * 5
