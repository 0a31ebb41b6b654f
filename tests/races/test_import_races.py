"""Imports beside each other, beside shoppers and beside staff, on real connections."""

import threading

import pytest

from quickshop.catalog import pricing
from quickshop.imports import service
from quickshop.inventory import service as inventory
from quickshop.kernel.ids import new_id
from quickshop.kernel.unit_of_work import run_unit
from tests.factories import imports
from tests.factories.catalog import a_category, a_product, found
from tests.factories.shop import look, stock_of

ROWS = 60


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr("quickshop.imports.applying.BATCH", 7)
    monkeypatch.setattr("quickshop.imports.applying.BATCH_AT_ONCE", 11)


def at_once(core, *works):
    """Run these in threads of their own, all begun together; nothing may fail."""
    gate, failed = threading.Barrier(len(works)), []

    def run(work):
        with core.app_context():
            gate.wait()
            try:
                work()
            except Exception as error:
                failed.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def file(price, *, backwards=False, stock=5):
    lines = [f"p-{n},S-{n},P {n},Pans,{price}.00,{stock}" for n in range(ROWS)]
    return imports.a_file("slug,sku,name,category,price,stock", *(reversed(lines) if backwards else lines))


@pytest.mark.parametrize("modes", [("skip_bad", "skip_bad"), ("skip_bad", "all_or_nothing"), ("all_or_nothing",) * 2])
def test_two_imports_of_the_same_new_products_make_each_once(core, modes):
    a_category("Pans")
    waiting = [imports.begin("products", file(1 + i, backwards=bool(i)), mode=mode) for i, mode in enumerate(modes)]
    at_once(core, *(lambda one=one: imports.work(one) for one in waiting))
    assert [imports.view(one)["rows"]["applied"] for one in waiting] == [ROWS, ROWS]
    rows = imports.catalogue()
    assert len(rows) == ROWS
    for row in rows.values():
        assert row["prices"][-1] == row["price_minor"] == row["card"]["price"]["amount"]
        assert row["on_hand"] == 5
        assert row["movements"] == '{"(5,received)"}'


@pytest.mark.parametrize("modes", [("skip_bad", "skip_bad"), ("skip_bad", "all_or_nothing")])
def test_units_added_by_two_imports_and_taken_by_shoppers_all_count(core, modes):
    variants = [a_product(f"P{n}", stock=10)[1][0] for n in range(20)]
    skus = {v: look("SELECT sku FROM variants WHERE id = :id", id=v)[0].sku for v in variants}
    lines = [f"{skus[v]},3,add" for v in variants]
    waiting = [
        imports.begin("stock", imports.a_file("sku,quantity,mode", *order), mode=mode)
        for order, mode in zip((lines, lines[::-1]), modes, strict=True)
    ]

    def shop():
        for variant in variants:
            order = new_id()
            run_unit(lambda order=order, variant=variant: inventory.reserve(order, {variant: 2}))
            run_unit(lambda order=order: inventory.commit(order))

    at_once(core, *(lambda one=one: imports.work(one) for one in waiting), shop)
    assert {stock_of(v) for v in variants} == {(14, 0)}


def test_imports_of_prices_and_staff_at_the_same_products_leave_cards_that_are_true(core):
    variants = [a_product(f"P{n}", prices=(1000,))[1][0] for n in range(20)]
    skus = [look("SELECT sku FROM variants WHERE id = :id", id=v)[0].sku for v in variants]
    waiting = [
        imports.begin("prices", imports.a_file("sku,price", *(f"{sku},{price}" for sku in skus)), mode=mode)
        for price, mode in (("7.00", "skip_bad"), ("8.00", "all_or_nothing"))
    ]

    def edit():
        for variant in reversed(variants):
            run_unit(lambda variant=variant: pricing.set_price(variant, 900))

    at_once(core, *(lambda one=one: imports.work(one) for one in waiting), edit)
    for row in imports.catalogue().values():
        assert row["price_minor"] in (700, 800, 900)
        assert row["card"]["price"]["amount"] == row["price_minor"] == row["prices"][-1]


def test_a_last_unit_sold_while_stock_is_set_leaves_lists_that_are_true(core):
    variants = [a_product(f"P{n}", stock=1)[1][0] for n in range(15)]
    skus = [look("SELECT sku FROM variants WHERE id = :id", id=v)[0].sku for v in variants]
    waiting = imports.begin("stock", imports.a_file("sku,quantity", *(f"{sku},0" for sku in skus)), mode="skip_bad")
    taken = []

    def shop():
        for variant in variants:
            try:
                run_unit(lambda variant=variant: inventory.reserve(new_id(), {variant: 1}))
                taken.append(variant)
            except Exception as error:
                assert type(error).__name__ == "OutOfStock"

    at_once(core, lambda: imports.work(waiting), shop)
    assert found(in_stock=True) == []
    assert {stock_of(v) for v in taken} <= {(1, 1)}
    assert imports.view(waiting)["rows"]["applied"] == len(variants) - len(taken)


def test_only_one_of_many_workers_does_an_import(core):
    a_category("Pans")
    waiting = imports.begin("products", file(1))
    at_once(core, *[lambda: imports.turn(waiting, 60)] * 6)
    assert imports.work(waiting)["rows"]["applied"] == ROWS
    assert {row["movements"] for row in imports.catalogue().values()} == {'{"(5,received)"}'}


def test_stopping_races_with_the_worker_and_neither_loses_rows(core):
    a_category("Pans")
    waiting = imports.begin("products", file(1))

    def meddle():
        for _ in range(20):
            for verb in (service.stop, service.resume):
                try:
                    run_unit(lambda verb=verb: verb(waiting))
                except Exception as error:
                    assert type(error).__name__ == "ImportState"

    at_once(core, meddle, lambda: [imports.turn(waiting, 0) for _ in range(30)])
    if imports.view(waiting)["state"] == "stopped":
        run_unit(lambda: service.resume(waiting))
    assert imports.work(waiting)["rows"]["applied"] == ROWS
    assert {row["movements"] for row in imports.catalogue().values()} == {'{"(5,received)"}'}
