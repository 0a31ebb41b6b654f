"""What waits for the disk: orders do, additions to a cart do not."""

import pytest

from quickshop.accounts.callers import ANONYMOUS
from quickshop.cart import service as carts
from quickshop.checkout.service import place_order
from quickshop.kernel import db
from quickshop.kernel.unit_of_work import unit_of_work
from tests.factories.shop import a_cart, a_variant, a_wish

pytestmark = pytest.mark.usefixtures("core")


def waits():
    return db.scalar("SELECT current_setting('synchronous_commit')") == "on"


def wait_for_disk():
    """As a real database does; the tests' own never waits."""
    db.run("SELECT set_config('synchronous_commit', 'on', true)")


def test_an_addition_to_a_cart_does_not_wait_for_the_disk_and_the_next_unit_does():
    variant = a_variant()
    with unit_of_work():
        wait_for_disk()
        carts.add_item(carts.start_cart(ANONYMOUS), variant, 1)
        assert not waits()
    before = waits()
    with unit_of_work():
        wait_for_disk()
        assert waits()
    assert waits() == before


def test_an_order_waits_for_the_disk():
    cart = a_cart({a_variant(): 1})
    wish = a_wish(cart)
    with unit_of_work():
        wait_for_disk()
        place_order(ANONYMOUS, cart, wish)
        assert waits()
