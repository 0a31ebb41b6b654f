"""Staff against each other, against buyers and against upkeep: nothing is undone unseen, sold twice or lost."""

from collections import Counter

import pytest

from quickshop.accounts.callers import ANONYMOUS
from quickshop.catalog import editing, management, pictures
from quickshop.catalog.errors import ChangedMeanwhile
from quickshop.catalog.renditions import process
from quickshop.checkout.service import place_order
from quickshop.factory import create_app
from quickshop.inventory import moving, watching
from quickshop.inventory import service as inventory
from quickshop.inventory.errors import OutOfStock, StockPromised
from quickshop.kernel import db
from quickshop.kernel.ids import new_id
from quickshop.kernel.unit_of_work import reading, run_unit, unit_of_work
from tests.factories.racing import Beside, together, until_blocked
from tests.factories.shop import a_cart, a_variant, a_wish, look, stock_of
from tests.factories.uploads import drawn


@pytest.fixture
def worker(settings):
    """The application as workers run it, for what they do by the clock."""
    return create_app(role="worker", settings=settings)


def a_product(**more):
    """A product with one variant; their ids."""
    variant = a_variant(**more)
    return look("SELECT product_id FROM variants WHERE id = :id", id=variant)[0].product_id, variant


def version_of(product_id):
    with reading():
        return management.version_of(product_id)


def outcome(app, function):
    """What a function returns or raises, in a context of its own."""
    return Beside(app, lambda: together(app, function)[0])


# --- two staff -----------------------------------------------------------------------------------------


def test_of_twenty_who_change_what_they_all_saw_one_does(core):
    product, _ = a_product()
    seen = {version_of(product)}

    def change(number):
        return lambda: run_unit(lambda: editing.edit_product(product, {"name": f"By {number}"}, seen))

    outcomes = together(core, *map(change, range(20)))
    assert Counter(type(o) for o in outcomes) == {type(None): 1, ChangedMeanwhile: 19}
    [winner] = [number for number, o in enumerate(outcomes) if o is None]
    assert look("SELECT name FROM products")[0].name == f"By {winner}"


def test_who_waits_for_another_to_finish_sees_what_they_changed(core, servers):
    product, variant = a_product()
    seen = {version_of(product)}
    with unit_of_work():
        editing.edit_product(product, {"name": "First"}, seen)
        late = outcome(core, lambda: run_unit(lambda: editing.edit_price(variant, 5, None, seen)))
        until_blocked(servers)
    assert isinstance(late.result(), ChangedMeanwhile)
    assert look("SELECT price_minor FROM variants")[0].price_minor == 1000


def test_versions_never_come_twice_however_quickly_changes_follow(core):
    product, _ = a_product()
    told = [version_of(product)]
    for number in range(30):
        run_unit(lambda n=number: editing.edit_product(product, {"name": f"By {n}"}))
        told.append(version_of(product))
    assert len(set(told)) == len(told)
    assert told == sorted(told)


# --- staff and buyers ----------------------------------------------------------------------------------


def test_a_buyer_who_waits_for_a_correction_sees_what_it_left(core, servers):
    _, mug = a_product(stock=10)
    with unit_of_work():
        moving.move(mug, -8, "corrected")
        buyer = outcome(core, lambda: run_unit(lambda: inventory.reserve(new_id(), {mug: 5})))
        until_blocked(servers)
    refusal = buyer.result()
    assert isinstance(refusal, OutOfStock)
    assert refusal.shortages[0]["available"] == 2


def test_a_correction_that_waits_for_a_buyer_leaves_what_they_were_promised(core, servers):
    _, mug = a_product(stock=10)
    with unit_of_work():
        inventory.reserve(new_id(), {mug: 5})
        late = outcome(core, lambda: run_unit(lambda: moving.move(mug, -8, "corrected")))
        until_blocked(servers)
    refusal = late.result()
    assert isinstance(refusal, StockPromised)
    assert (refusal.extra["on_hand"], refusal.extra["held"]) == (10, 5)
    assert stock_of(mug) == (10, 5)


def test_corrections_and_orders_at_once_never_promise_more_than_there_is(core):
    _, mug = a_product(stock=20)

    def buy(ref, wish):
        return lambda: run_unit(lambda: place_order(ANONYMOUS, ref, wish))

    carts = [a_cart({mug: 1}) for _ in range(20)]
    buyers = [buy(ref, a_wish(ref)) for ref in carts]
    takers = [lambda: run_unit(lambda: moving.move(mug, -2, "damaged")) for _ in range(10)]
    outcomes = together(core, *[f for pair in zip(buyers[::2], buyers[1::2], takers, strict=True) for f in pair])
    ordered = sum(isinstance(o, dict) for o in outcomes)
    taken = sum(isinstance(o, int) for o in outcomes)
    assert {type(o) for o in outcomes} <= {dict, int, OutOfStock, StockPromised}
    assert stock_of(mug) == (20 - 2 * taken, ordered)
    assert 20 - 2 * taken - ordered in (0, 1)
    assert look("SELECT sum(delta) AS n FROM stock_movements")[0].n == 20 - 2 * taken


def test_changing_variants_while_they_are_bought_never_deadlocks(core, servers):
    shelf = [a_product(stock=1) for _ in range(4)]
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    before = servers.run(deadlocks)

    def buy(ref, wish):
        return lambda: run_unit(lambda: place_order(ANONYMOUS, ref, wish))

    def stock(variant):
        return lambda: run_unit(lambda: moving.move(variant, 1, "received"))

    def price(variant):
        return lambda: run_unit(lambda: editing.edit_price(variant, 900, None))

    def take_away(variant):
        return lambda: run_unit(lambda: editing.remove_variant(variant))

    carts = [a_cart({variant: 1 for _, variant in shelf}) for _ in range(4)]
    work = [buy(ref, a_wish(ref)) for ref in carts]
    for _, variant in shelf:
        work += [stock(variant), price(variant), take_away(variant)]
    together(core, *work)
    assert servers.run(deadlocks) == before


# --- the watch -----------------------------------------------------------------------------------------


def test_two_watches_at_once_tell_of_each_variant_once(core, worker):
    for _ in range(5):
        a_product(stock=1)
    found = together(worker, *[lambda: run_unit(watching.watch) for _ in range(3)])
    assert sum(found) == 5
    assert look("SELECT count(*) AS n FROM pending_facts WHERE type = 'stock.low_found'")[0].n == sum(
        1 for n in found if n
    )


# --- pictures and upkeep -------------------------------------------------------------------------------


def test_upkeep_leaves_the_files_of_a_picture_that_is_just_being_uploaded(core, worker, servers):
    product, _ = a_product()
    files = process(drawn())
    first = run_unit(lambda: pictures.add_picture(product, files))
    run_unit(lambda: pictures.remove_picture(product, first))
    run_unit(lambda: db.run("UPDATE media_files SET wanted_at = now() - interval '2 days'"))
    with unit_of_work():
        pictures.add_picture(product, files)
        upkeep = Beside(worker, lambda: run_unit(pictures.prune_media))
        until_blocked(servers)
    assert upkeep.result() == 0
    assert look("SELECT count(*) AS n FROM media_files")[0].n == len(files)


def test_an_upload_that_waits_for_upkeep_brings_its_files_again(core, worker, servers):
    product, _ = a_product()
    files = process(drawn())
    first = run_unit(lambda: pictures.add_picture(product, files))
    run_unit(lambda: pictures.remove_picture(product, first))
    run_unit(lambda: db.run("UPDATE media_files SET wanted_at = now() - interval '2 days'"))
    with worker.app_context(), unit_of_work():
        assert pictures.prune_media() == len(files)
        upload = Beside(core, lambda: run_unit(lambda: pictures.add_picture(product, files)))
        until_blocked(servers)
    upload.result()
    assert look("SELECT count(*) AS n FROM media_files")[0].n == len(files)


def test_pictures_uploaded_at_once_all_have_a_place(core):
    product, _ = a_product()
    files = process(drawn(300, 300))
    outcomes = together(core, *[lambda: run_unit(lambda: pictures.add_picture(product, files)) for _ in range(8)])
    assert not [o for o in outcomes if isinstance(o, Exception)]
    assert [r.position for r in look("SELECT position FROM pictures ORDER BY 1")] == list(range(8))


def test_the_watch_waits_for_no_buyer_and_no_buyer_for_it(core, worker, servers):
    _, mug = a_product(stock=3)
    with unit_of_work():
        inventory.reserve(new_id(), {mug: 1})
        assert Beside(worker, lambda: run_unit(watching.watch)).result() == 1
    run_unit(lambda: db.run("UPDATE stock_items SET on_hand = 100"))
    with worker.app_context():
        run_unit(watching.watch)
    run_unit(lambda: db.run("UPDATE stock_items SET on_hand = 3"))
    with worker.app_context(), unit_of_work():
        assert watching.watch() == 1
        Beside(core, lambda: run_unit(lambda: inventory.reserve(new_id(), {mug: 1}))).result()
