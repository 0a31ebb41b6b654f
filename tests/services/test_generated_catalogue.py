"""The generated catalogue: the same for the same seed, spread like a real one, completed when cut off."""

import statistics
from dataclasses import replace

from click.testing import CliRunner

from quickshop.cli import main
from quickshop.demo.generate.products import make_product
from quickshop.demo.generate.writing import generate
from quickshop.kernel import db
from quickshop.runtime import commanding
from quickshop.search.filters import ProductQuery
from quickshop.search.queries import list_products


def quietly(there):
    """Nobody is told."""


def test_the_same_seed_gives_the_same_product_and_another_seed_another():
    assert make_product(1, 7) == make_product(1, 7) != make_product(2, 7)


def test_the_spread_looks_like_a_real_one():
    made = [make_product(1, n) for n in range(2000)]
    variants = [len(p.variants) for p in made]
    prices = [p.variants[0].price_minor for p in made]
    assert min(variants) == 1 and 6 <= max(variants) <= 12
    assert statistics.mean(prices) > 1.2 * statistics.median(prices)
    assert 0.02 < sum(not any(v.stock for v in p.variants) for p in made) / len(made) < 0.3
    assert 0.05 < sum(p.variants[0].sale_price_minor is not None for p in made) / len(made) < 0.2
    assert 0.5 < sum(p.rating_count > 0 for p in made) / len(made) < 0.9
    assert any(not p.name.isascii() for p in made)
    assert len({v.sku for p in made for v in p.variants}) == sum(variants)


def test_a_second_run_completes_the_first_and_changes_nothing_else(core):
    assert generate(40, 1, quietly) == 40
    before = db.scalar("SELECT md5(string_agg(p::text, '' ORDER BY id)) FROM products p")
    assert generate(60, 1, quietly) == 20
    assert generate(40, 1, quietly) == 0
    first = "SELECT md5(string_agg(p::text, '' ORDER BY id)) FROM products p WHERE id = ANY(:ids)"
    assert db.scalar(first, ids=[make_product(1, n).id for n in range(40)]) == before
    assert list_products(ProductQuery())["total"] == {"count": 60, "exact": True}


def test_its_stock_is_what_its_movements_say_and_its_flags_are_right(core):
    generate(60, 1, quietly)
    assert (
        db.scalar(
            "SELECT count(*) FROM stock_items s WHERE on_hand <> (SELECT coalesce(sum(delta), 0) FROM stock_movements m"
            " WHERE m.variant_id = s.variant_id)"
        )
        == 0
    )
    assert (
        db.scalar(
            "SELECT count(*) FROM listings l WHERE in_stock <> (SELECT bool_or(on_hand > held) FROM stock_items s"
            " JOIN variants v ON v.id = s.variant_id WHERE v.product_id = l.product_id)"
        )
        == 0
    )


def test_a_real_shop_refuses_it(settings, monkeypatch):
    monkeypatch.setattr(commanding, "load_settings", lambda env: replace(settings, env="production"))
    answer = CliRunner().invoke(main, ["generate-catalog", "--products", "1"])
    assert answer.exit_code == 1 and "no place in a real shop" in answer.output
