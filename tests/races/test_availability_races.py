"""Whether a product can be had, after sales and holds that happen at the same moment."""

from quickshop.catalog.pricing import set_price
from quickshop.inventory import service as inventory
from quickshop.inventory.errors import OutOfStock
from quickshop.kernel import db
from quickshop.kernel.ids import new_id
from quickshop.kernel.unit_of_work import reading, run_unit
from tests.factories.catalog import a_product, card_of
from tests.factories.racing import together


def in_stock(product):
    with reading():
        return card_of(product)["in_stock"]


def test_holding_and_giving_back_the_last_unit_moves_the_flag(core):
    product, (first, second) = a_product(prices=(100, 100), stock=1)
    orders = [new_id(), new_id()]
    run_unit(lambda: inventory.reserve(orders[0], {first: 1}))
    assert in_stock(product)
    run_unit(lambda: inventory.reserve(orders[1], {second: 1}))
    assert not in_stock(product)
    run_unit(lambda: inventory.release(orders[0]))
    assert in_stock(product)
    run_unit(lambda: inventory.commit(orders[1]))
    run_unit(lambda: inventory.reserve(orders[0], {first: 1}))
    run_unit(lambda: inventory.commit(orders[0]))
    assert not in_stock(product)
    run_unit(lambda: inventory.receive({second: 3}))
    assert in_stock(product)


def test_the_last_units_of_all_variants_sold_at_once_leave_nothing_in_stock(app):
    for _ in range(5):
        with app.app_context():
            product, variants = a_product(prices=(100,) * 6, stock=1)

        def sell(variant):
            return lambda: run_unit(lambda: inventory.reserve(new_id(), {variant: 1}))

        together(app, *[sell(v) for v in variants])
        with app.app_context():
            assert not in_stock(product)


def test_carts_with_the_same_two_products_in_any_order_do_not_wait_for_each_other(app):
    with app.app_context():
        made = [a_product(prices=(100, 100), stock=1) for _ in range(2)]
    (_, (a1, a2)), (_, (b1, b2)) = made

    def sell(*variants):
        def one():
            try:
                run_unit(lambda: inventory.reserve(new_id(), dict.fromkeys(variants, 1)))
            except OutOfStock:
                return False
            return True

        return one

    assert together(app, sell(a1, b2), sell(b1, a2), sell(a1, b1), sell(a2, b2)).count(True) == 2
    with app.app_context():
        assert not in_stock(made[0][0]) and not in_stock(made[1][0])


def test_a_price_change_beside_a_sale_keeps_the_flag_right(app):
    for price in range(200, 210):
        with app.app_context():
            product, (variant,) = a_product(stock=1)
        order = new_id()
        together(
            app,
            lambda o=order, v=variant: run_unit(lambda: inventory.reserve(o, {v: 1})),
            lambda v=variant, p=price: run_unit(lambda: set_price(v, p)),
        )
        with app.app_context():
            card = card_of(product)
            assert not card["in_stock"] and card["price"]["amount"] == price
            assert db.scalar("SELECT held FROM stock_items WHERE variant_id = :id", id=variant) == 1
