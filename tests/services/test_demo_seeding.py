"""Filling a database with the demo shop: complete, repeatable, and quick."""

import time

import pytest

from quickshop.accounts.errors import TwoFactorRequired
from quickshop.accounts.queries import buyer, user_id_of_login
from quickshop.accounts.service import Origin, answer_challenge, authenticate
from quickshop.catalog.queries import get_product, list_categories
from quickshop.demo import seeding
from quickshop.demo.accounts import ACCOUNTS
from quickshop.demo.catalogue import load_catalogue
from quickshop.kernel import db
from quickshop.kernel.clock import now
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.promotions.managing import list_promotions
from quickshop.promotions.rules import Kind
from quickshop.search.filters import ProductQuery
from quickshop.search.queries import list_products
from quickshop.security import totp
from quickshop.shipping.queries import get_method, list_methods
from quickshop.tax.queries import tax_settings

PRODUCTS = [product for category in load_catalogue() for product in category.products]
# Every table that seeding writes, with what tells one state of it from another.
_STATE = """
SELECT (SELECT count(*) FROM categories), (SELECT count(*) FROM products), (SELECT sum(price_minor) FROM variants),
       (SELECT sum(on_hand) FROM stock_items), (SELECT count(*) FROM stock_movements),
       (SELECT count(*) FROM shipping_methods), (SELECT count(*) FROM tax_rates), (SELECT count(*) FROM holidays),
       (SELECT count(*) FROM promotions), (SELECT count(*) FROM promotion_codes),
       (SELECT count(*) FROM canned_replies),
       (SELECT count(*) FROM users), (SELECT count(*) FROM user_roles),
       (SELECT count(*) FROM account_events), (SELECT count(*) FROM outbox)
"""

_STOCKED = """
SELECT p.slug, sum(s.on_hand) FROM products p JOIN variants v ON v.product_id = p.id
JOIN stock_items s ON s.variant_id = v.id GROUP BY p.slug
"""


def _state():
    with reading():
        return tuple(db.row(_STATE))


@pytest.fixture
def seeded(core):
    """The core with the demo shop in its database."""
    seeding.seed()
    return core


def test_the_demo_shop_is_filled_in_a_few_seconds(core):
    started = time.monotonic()
    seeding.seed()
    assert time.monotonic() - started < 5


def test_every_product_is_sold_with_its_prices_stock_and_picture(seeded):
    for product in PRODUCTS:
        found = get_product(product.slug)
        assert found["name"] == product.name
        assert found["description"] == product.description
        assert found["image"]["tint"] == product.tint
        sold = {v["sku"]: (v["price"]["amount"], v["available"]) for v in found["variants"]}
        assert sold == {v.sku: (v.price_minor, v.stock) for v in product.variants}
    assert list_products(ProductQuery())["total"] == {"count": len(PRODUCTS), "exact": True}


def test_the_categories_count_all_products(seeded):
    tree = list_categories()
    assert [node["slug"] for node in tree] == [category.slug for category in load_catalogue()]
    assert sum(node["count"] for node in tree) == len(PRODUCTS)


def test_the_first_page_shows_something_of_every_category(seeded):
    shown = {item["slug"] for item in list_products(ProductQuery(limit=24))["items"]}
    for category in load_catalogue():
        assert any(product.slug in shown for product in category.products)


def test_standard_delivery_goes_everywhere_and_what_is_quicker_by_zone(seeded):
    methods = {m["code"]: (m["price"]["amount"], m["zone"], m["kind"]) for m in list_methods()}
    assert methods == {
        "standard": (499, None, "delivery"),
        "express": (1299, "home", "delivery"),
        "express-north": (1999, "north", "delivery"),
        "express-europe": (2499, "europe", "delivery"),
        "pickup": (0, None, "pickup"),
    }


def test_every_product_can_be_bought_and_shipped_in_the_other_currencies_that_the_shop_takes(core, euros_too):
    seeding.seed()
    listed = list_products(ProductQuery(currency="EUR", limit=100))
    assert listed["total"]["count"] == len(PRODUCTS)
    assert all(item["price"]["currency"] == "EUR" and item["price"]["amount"] % 50 == 0 for item in listed["items"])
    assert {m["code"] for m in list_methods() if m["currency"] == "EUR"} == {
        "standard-eur",
        "express-europe-eur",
        "pickup-eur",
    }
    before = _state()
    seeding.seed()
    assert _state() == before


def test_there_is_a_promotion_of_each_kind_and_a_code_for_all_that_do_not_apply_by_themselves(seeded):
    made = list_promotions()["items"]
    assert {promotion["kind"] for promotion in made} == set(Kind)
    assert all(promotion["active"] and promotion["automatic"] != bool(promotion["codes"]) for promotion in made)


def test_food_is_taxed_otherwise_and_no_price_moves_by_tax(seeded):
    assert {r.tax_class for r in db.rows("SELECT DISTINCT tax_class FROM tax_rates")} == {"standard", "reduced"}
    reduced = {r.slug for r in db.rows("SELECT slug FROM products WHERE tax_class = 'reduced'")}
    assert reduced == {product.slug for product in PRODUCTS if product.category == "food-drink"}
    assert tax_settings()["prices_include_tax"]


def signed_in(account):
    """Sign in with the second step where there is one."""
    origin = Origin("test", "127.0.0.1")
    if "totp_secret" not in account:
        return authenticate(account["login"], account["password"], origin)
    with pytest.raises(TwoFactorRequired) as halfway:
        authenticate(account["login"], account["password"], origin)
    code = totp.code_of(account["totp_secret"], totp.step_of(now()))
    return answer_challenge(halfway.value.challenge, origin, code=code)


def test_the_demo_accounts_are_verified_and_can_sign_in(seeded):
    for account in ACCOUNTS.values():
        with reading():
            user_id = user_id_of_login(account["login"])
            assert buyer(user_id).verified
        assert signed_in(account).user_id == user_id


def test_only_the_vip_is_one_and_only_staff_have_roles(seeded):
    names = {account["username"]: name for name, account in ACCOUNTS.items()}
    rows = db.rows(
        "SELECT username, vip, array_remove(array_agg(role), NULL) AS roles FROM users"
        " LEFT JOIN user_roles ON user_id = id GROUP BY username, vip"
    )
    standing = {names[row.username]: (row.vip, row.roles) for row in rows}
    assert standing == {
        "shopper": (False, []),
        "vip": (True, []),
        "staff": (False, ["support"]),
        "admin": (False, ["admin"]),
    }


def test_a_second_filling_changes_nothing(seeded):
    before = _state()
    seeding.seed()
    assert _state() == before


def test_a_second_filling_leaves_what_staff_changed(seeded):
    sku = PRODUCTS[0].variants[1].sku
    run_unit(lambda: db.run("UPDATE variants SET price_minor = 1234 WHERE sku = :sku", sku=sku))
    run_unit(lambda: db.run("UPDATE shipping_methods SET price_minor = 555 WHERE code = 'standard'"))
    before = _state()
    seeding.seed()
    assert _state() == before
    assert get_method("standard")["price"]["amount"] == 555


class Stopped(Exception):
    """Stands for a process that was killed."""


@pytest.mark.parametrize("products_made", [0, 1, 8, 20, 63])
def test_a_filling_that_was_cut_short_is_completed(core, monkeypatch, products_made):
    real, made = seeding.create_product, []

    def stop_after(new):
        if len(made) == products_made:
            raise Stopped
        made.append(new.slug)
        return real(new)

    monkeypatch.setattr(seeding, "create_product", stop_after)
    with pytest.raises(Stopped):
        seeding.seed()
    monkeypatch.setattr(seeding, "create_product", real)
    seeding.seed()
    with reading():
        stocked = dict(tuple(row) for row in db.rows(_STOCKED))
    assert stocked == {p.slug: sum(v.stock for v in p.variants) for p in PRODUCTS}
