"""A price that changes leaves word for those who wait for it, whoever or whatever changed it."""

from datetime import UTC, datetime, timedelta

from quickshop.catalog import pricing, refreshing
from quickshop.kernel import db
from quickshop.kernel.unit_of_work import reading, run_unit
from tests.factories import shop


def told():
    with reading():
        found = db.rows("SELECT data FROM pending_facts WHERE type = 'catalog.price_changed' ORDER BY id")
    return [(row.data["variant_id"], row.data["before_minor"], row.data["after_minor"]) for row in found]


def test_a_new_price_is_told_and_the_same_price_is_not(core):
    variant = shop.a_variant(price=2000)
    run_unit(lambda: pricing.set_price(variant, 1500))
    run_unit(lambda: pricing.set_price(variant, 1500))
    assert told() == [(str(variant), 2000, 1500)]


def test_a_sale_that_begins_at_once_is_told_and_so_is_its_end(core):
    variant = shop.a_variant(price=2000)
    run_unit(lambda: pricing.schedule_sale(variant, 1200))
    run_unit(lambda: pricing.end_sale(variant))
    assert told() == [(str(variant), 2000, 1200), (str(variant), 1200, 2000)]


def test_a_sale_that_begins_by_the_clock_is_told_once(core):
    variant = shop.a_variant(price=2000)
    run_unit(lambda: pricing.schedule_sale(variant, 1200, datetime.now(UTC) + timedelta(hours=1)))
    assert told() == []
    begun = datetime.now(UTC) - timedelta(seconds=1)
    run_unit(lambda: db.run("UPDATE variants SET sale_from = :at WHERE id = :id", id=variant, at=begun))
    run_unit(lambda: db.run("UPDATE products SET next_change_at = :at", at=begun))
    for _ in range(2):
        run_unit(refreshing.refresh)
    assert told() == [(str(variant), 2000, 1200)]
