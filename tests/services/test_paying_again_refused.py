"""Paying again is for orders whose payment failed, for those who may see them, and only while there is stock."""

import pytest

from quickshop.inventory.errors import OutOfStock
from quickshop.kernel.errors import NotFound
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders import paying
from quickshop.orders.errors import NotPayable
from quickshop.orders.viewers import Viewer
from tests.factories.shop import (
    a_confirmed_order,
    a_declined_order,
    a_member,
    a_variant,
    an_order,
    an_order_on_hold,
    everything,
    pay_again,
)

pytestmark = pytest.mark.usefixtures("core", "gateway")


@pytest.mark.parametrize("make", [an_order, a_confirmed_order, an_order_on_hold])
def test_only_an_order_whose_payment_failed_can_be_paid_again(make):
    order = make()
    before = everything()
    with pytest.raises(NotPayable) as refusal:
        pay_again(order)
    assert (refusal.value.status, refusal.value.code) == (409, "not_payable")
    assert everything() == before


def test_it_cannot_be_paid_again_while_that_is_being_done():
    order = a_declined_order()
    pay_again(order)
    before = everything()
    with pytest.raises(NotPayable):
        pay_again(order)
    assert everything() == before


def test_what_was_sold_to_others_meanwhile_is_told():
    mug = a_variant(stock=2)
    order = a_declined_order(items={mug: 2})
    a_confirmed_order(items={mug: 1})
    before = everything()
    with pytest.raises(OutOfStock) as refusal:
        pay_again(order)
    assert [(s["requested"], s["available"]) for s in refusal.value.shortages] == [(2, 1)]
    assert everything() == before


def test_somebody_elses_order_does_not_exist():
    order = a_declined_order(caller=a_member())
    before = everything()
    for viewer in (Viewer(), Viewer(user_id=a_member().user_id)):
        before = everything()
        with pytest.raises(NotFound):
            run_unit(lambda viewer=viewer: paying.pay_again(order.number, viewer, "tok_approve", None))
        assert everything() == before
    with pytest.raises(NotFound):
        run_unit(lambda: paying.pay_again("QS-1", Viewer(staff=True), "tok_approve", None))
