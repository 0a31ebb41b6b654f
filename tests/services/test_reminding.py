"""Reminders of carts: to members who agreed, once per cart, with a link that brings the cart back."""

from datetime import timedelta

import pytest

from quickshop.accounts.preferences import change_preferences
from quickshop.cart.service import shared_items
from quickshop.kernel import clock, db
from quickshop.kernel.unit_of_work import run_unit
from quickshop.notifications import reminding, sending, service
from tests.factories.racing import together
from tests.factories.shop import a_cart, a_member, a_variant, look, order_cart
from tests.factories.telling import Carriers

pytestmark = pytest.mark.usefixtures("core", "gateway")
AGREED = {"cart_reminders": {"email": True}}


@pytest.fixture
def outside(monkeypatch):
    return Carriers(monkeypatch, sending)


def a_willing_member(**more):
    member = a_member(**more)
    run_unit(lambda: change_preferences(member.user_id, AGREED))
    return member


def leave(ref, hours=5):
    """Touch the cart for the last time so many hours ago."""
    at = clock.now() - timedelta(hours=hours)
    run_unit(lambda: db.run("UPDATE carts SET updated_at = :at WHERE id = :id", at=at, id=ref.id))


def a_left_cart(member=None, hours=5, **more):
    ref = a_cart({a_variant(**more): 2}, member or a_willing_member())
    leave(ref, hours)
    return ref


def test_who_agreed_is_reminded_once_of_a_cart_whatever_becomes_of_it(core, outside):
    member = a_willing_member()
    ref = a_left_cart(member, sku="RADIO")
    assert sum(together(core, *[reminding.remind] * 3)) == 1
    service.drain()
    leave(ref)
    assert reminding.remind() == 0
    service.drain()
    (mail,) = outside.carried["email"]
    assert mail.subject == "You left something in your bag"
    assert "Product RADIO" in mail.text and "Hello Robin," in mail.text
    assert mail.headers["List-Unsubscribe"]
    assert look("SELECT channel FROM deliveries")[0].channel == "email"


def test_the_link_brings_back_what_lay_in_the_cart(outside):
    variant = a_variant()
    leave(a_cart({variant: 3}, a_willing_member()))
    reminding.remind()
    service.drain()
    token = outside.carried["email"][0].link.rpartition("/cart/back/")[2]
    assert shared_items(token) == {variant: 3}


def test_nobody_is_reminded_who_did_not_agree_or_cannot_be_meant(outside):
    a_left_cart(a_member())  # never asked
    a_left_cart(a_willing_member(verified=False))
    a_left_cart(hours=1)  # touched a moment ago
    a_left_cart(hours=24 * 8)  # long forgotten
    empty = a_left_cart()
    run_unit(lambda: db.run("DELETE FROM cart_items WHERE cart_id = :id", id=empty.id))
    bought = a_willing_member()
    order_cart(a_left_cart(bought), bought)
    said_no = a_willing_member()
    run_unit(lambda: change_preferences(said_no.user_id, {"cart_reminders": {"email": False}}))
    a_left_cart(said_no)
    assert reminding.remind() == 0


def test_a_cart_of_which_nothing_can_be_bought_any_more_is_no_reason_to_write(outside):
    a_left_cart(stock=0)
    reminding.remind()
    service.drain()
    assert outside.carried["email"] == []
