"""What a cart does: putting aside and back, what changed since it was seen, currencies, sharing, merging at login."""

from dataclasses import replace
from uuid import UUID

import pytest

from quickshop.accounts.callers import ANONYMOUS, Caller
from quickshop.cart import live
from quickshop.cart import service as carts
from quickshop.cart.errors import CartEmpty, ItemsUnavailable, NotPriced
from quickshop.cart.merging import merge_on_login
from quickshop.cart.queries import cart_view
from quickshop.cart.refs import CartRef
from quickshop.checkout.service import place_order, quote, start_hold
from quickshop.inventory import service as inventory
from quickshop.kernel import db
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.money import Money
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.orders.reordering import reorder
from quickshop.orders.viewers import Viewer
from tests.factories.shop import a_cart, a_member, a_variant, a_wish, an_order, look, order_cart, set_price

pytestmark = pytest.mark.usefixtures("core")


@pytest.fixture(autouse=True)
def euros_too(core, monkeypatch):
    key = "quickshop.settings"
    monkeypatch.setitem(core.extensions, key, replace(core.extensions[key], other_currencies=("EUR", "JPY")))


def view(ref, user_id=None):
    with reading():
        return cart_view(ref, user_id)


def item_of(ref, variant):
    return db.scalar("SELECT id FROM cart_items WHERE cart_id = :c AND variant_id = :v", c=ref.id, v=variant)


def held(ref, user_id=None):
    """{variant id: units} of the cart, and of what is saved."""
    shown = view(ref, user_id)
    return tuple({i["variant_id"]: i["quantity"] for i in shown[part]} for part in ("items", "saved"))


def codes(ref, *, new=None):
    return [w["code"] for w in view(ref)["warnings"] if new is None or w["new"] is new]


def in_euros(variant, amount, sale=None):
    run_unit(
        lambda: db.run(
            "INSERT INTO variant_prices (variant_id, currency, price_minor, sale_price_minor)"
            " VALUES (:v, 'EUR', :p, :s)",
            v=variant,
            p=amount,
            s=sale,
        )
    )


def withdraw(variant):
    run_unit(
        lambda: db.run(
            "UPDATE products SET withdrawn_at = now() WHERE id = (SELECT product_id FROM variants WHERE id = :v)",
            v=variant,
        )
    )


def frames(type_):
    found = [frame for row in look("SELECT frames FROM outbox ORDER BY id") for frame in row.frames]
    return [frame["topic"] for frame in found if frame["type"] == type_]


# --- quantities, aside and back ------------------------------------------------------------------------


def test_a_quantity_is_cut_to_what_can_be_had_with_the_reason():
    few, none = a_variant(stock=3), a_variant(stock=0)
    ref = a_cart({few: 1, none: 1})
    [cut] = run_unit(lambda: carts.set_quantity(ref, item_of(ref, few), 50))
    assert (cut["code"], cut["reason"], cut["requested"], cut["available"]) == ("quantity_reduced", "low_stock", 50, 3)
    [gone] = run_unit(lambda: carts.set_quantity(ref, item_of(ref, none), 2))
    assert (gone["reason"], gone["available"]) == ("out_of_stock", 0)
    assert held(ref)[0] == {str(few): 3, str(none): 1}
    assert run_unit(lambda: carts.set_quantity(ref, item_of(ref, few), 2)) == []


def test_what_the_cart_itself_holds_counts_as_to_be_had():
    few = a_variant(stock=3)
    ref = a_cart({few: 3})
    run_unit(lambda: start_hold(ref))
    assert run_unit(lambda: carts.set_quantity(ref, item_of(ref, few), 3)) == []


@pytest.mark.parametrize("caller", ["guest", "member"])
def test_what_was_taken_out_comes_back_as_it_was(caller):
    who = a_member() if caller == "member" else ANONYMOUS
    mug = a_variant()
    ref = a_cart({mug: 4}, who)
    undo = run_unit(lambda: carts.remove_item(ref, item_of(ref, mug)))
    assert held(ref, who.user_id) == ({}, {})
    run_unit(lambda: carts.restore_item(ref, undo_id(undo)))
    assert held(ref, who.user_id) == ({str(mug): 4}, {})
    with pytest.raises(NotFound):
        run_unit(lambda: carts.restore_item(ref, undo_id(undo)))


def undo_id(undo):
    return UUID(undo["item_id"])


def test_nobody_brings_back_what_was_in_another_cart():
    mug = a_variant()
    mine, others = a_cart({mug: 1}), a_cart({mug: 1}, a_member())
    undo = run_unit(lambda: carts.remove_item(mine, item_of(mine, mug)))
    run_unit(lambda: carts.save_for_later(others, item_of(others, mug)))
    [saved] = look("SELECT id FROM cart_asides WHERE kind = 'saved'")
    for ref, verb, what in (
        (others, carts.restore_item, undo_id(undo)),
        (mine, carts.move_to_cart, saved.id),
        (a_cart({}, a_member()), carts.move_to_cart, saved.id),
    ):
        with pytest.raises(NotFound):
            run_unit(lambda ref=ref, verb=verb, what=what: verb(ref, what))


def test_what_a_member_saved_outlives_the_cart_and_comes_back_at_todays_price():
    who = a_member()
    mug, tray = a_variant(price=1000), a_variant(price=300)
    ref = a_cart({mug: 2, tray: 1}, who)
    run_unit(lambda: carts.save_for_later(ref, item_of(ref, mug)))
    order_cart(ref, who)
    assert held(None, who.user_id) == ({}, {str(mug): 2})
    set_price(mug, 1200)
    new = a_cart({}, who)
    [saved] = view(new)["saved"]
    run_unit(lambda: carts.move_to_cart(new, undo_id({"item_id": saved["id"]})))
    assert held(new) == ({str(mug): 2}, {})
    [warning] = view(new)["warnings"]
    assert (warning["code"], warning["before"]["amount"], warning["now"]["amount"]) == ("price_raised", 1000, 1200)


# --- what changed since it was seen --------------------------------------------------------------------


def test_changes_are_new_until_they_were_seen():
    dear, cheap, gone, out = (a_variant(price=1000, stock=5) for _ in range(4))
    ref = a_cart({dear: 1, cheap: 1, gone: 1, out: 2})
    run_unit(lambda: carts.mark_seen(ref))
    assert codes(ref) == []
    set_price(dear, 1500)
    set_price(cheap, 500)
    withdraw(gone)
    an_order({out: 5})
    assert codes(ref, new=True) == ["price_raised", "price_lowered", "withdrawn", "out_of_stock"]
    run_unit(lambda: carts.mark_seen(ref))
    # What still stands in the way is told for as long as it does.
    assert (codes(ref, new=True), codes(ref)) == ([], ["withdrawn", "out_of_stock"])
    run_unit(lambda: inventory.receive({out: 9}))
    assert codes(ref) == ["withdrawn", "available_again"]


def test_what_is_withdrawn_is_not_bought_and_counts_for_nothing():
    mug, gone = a_variant(price=1000), a_variant(price=700)
    ref = a_cart({mug: 1, gone: 1})
    withdraw(gone)
    assert view(ref)["subtotal"]["amount"] == 1000
    with reading():
        assert quote(ref, "standard")["totals"]["subtotal"]["amount"] == 1000
    wish = a_wish(ref)
    with pytest.raises(ItemsUnavailable) as refusal:
        run_unit(lambda: place_order(ANONYMOUS, ref, wish))
    assert [i["reason"] for i in refusal.value.extra["items"]] == ["withdrawn"]
    run_unit(lambda: carts.remove_item(ref, item_of(ref, gone)))
    assert order_cart(ref).total == 1500


# --- currencies ----------------------------------------------------------------------------------------


def test_a_cart_in_another_currency_takes_that_currencys_prices_and_says_what_has_none():
    mug, tray = a_variant(price=1000), a_variant(price=300)
    in_euros(mug, 950)
    ref = a_cart({mug: 2, tray: 1})
    run_unit(lambda: carts.set_currency(ref, "EUR"))
    shown = view(ref)
    assert (shown["currency"], shown["subtotal"]) == ("EUR", {"amount": 1900, "currency": "EUR"})
    assert [i["unit_price"] for i in shown["items"]] == [{"amount": 950, "currency": "EUR"}, None]
    assert codes(ref) == ["no_price"]
    with pytest.raises(NotPriced):
        run_unit(lambda: carts.add_item(ref, tray, 1))
    run_unit(lambda: carts.set_currency(ref, "USD"))
    assert (view(ref)["subtotal"]["amount"], codes(ref, new=True)) == (2300, [])


def test_a_sale_holds_in_another_currency_where_it_has_a_price_there():
    mug = a_variant(price=1000)
    in_euros(mug, 950, sale=700)
    ref = a_cart({mug: 1})
    run_unit(lambda: carts.set_currency(ref, "EUR"))
    assert view(ref)["subtotal"]["amount"] == 950
    run_unit(lambda: db.run("UPDATE variants SET sale_price_minor = 800 WHERE id = :v", v=mug))
    assert view(ref)["subtotal"]["amount"] == 700


def test_a_currency_that_the_shop_does_not_take_is_refused():
    ref = a_cart({a_variant(): 1})
    for wanted in ("GBP", "usd", "XXX"):
        with pytest.raises(Invalid):
            run_unit(lambda wanted=wanted: carts.set_currency(ref, wanted))


# --- sharing and reordering ----------------------------------------------------------------------------


def test_a_shared_cart_fills_another_once_and_says_what_cannot_be_had():
    mug, few, gone = a_variant(), a_variant(stock=5), a_variant()
    token = run_unit(lambda: carts.share(a_ref({mug: 3, few: 4, gone: 1})))
    withdraw(gone)
    an_order({few: 3})
    mine = a_cart({mug: 1})
    for _ in range(2):
        with reading():
            wanted = carts.shared_items(token)
        told = run_unit(lambda wanted=wanted: carts.fill(mine, wanted))
        assert held(mine)[0] == {str(mug): 3, str(few): 2}
        assert sorted((w["code"], w["reason"]) for w in told) == [
            ("not_added", "withdrawn"),
            ("quantity_reduced", "low_stock"),
        ]


def a_ref(items):
    made = carts.start_cart(ANONYMOUS)
    for variant, quantity in items.items():
        carts.add_item(made, variant, quantity)
    return made


@pytest.mark.parametrize("token", ["", "x", "00000000-0000-0000-0000-000000000000.0"])
def test_an_invented_link_shares_nothing(token):
    with pytest.raises(NotFound), reading():
        carts.shared_items(token)


def test_an_empty_cart_is_not_shared_and_a_link_runs_out():
    with pytest.raises(CartEmpty):
        run_unit(lambda: carts.share(None))
    mug = a_variant()
    token = run_unit(lambda: carts.share(a_ref({mug: 1})))
    run_unit(lambda: db.run("UPDATE cart_shares SET expires_at = now() - interval '1 second'"))
    with pytest.raises(NotFound), reading():
        carts.shared_items(token)
    assert run_unit(carts.prune) == 1


def test_an_order_is_bought_again_as_far_as_it_can_be():
    who = a_member()
    mug, out = a_variant(stock=9), a_variant(stock=2)
    order = an_order({mug: 2, out: 2}, caller=who)
    ref = a_cart({mug: 1}, who)
    told = run_unit(lambda: reorder(ref, order.number, Viewer(user_id=who.user_id)))
    assert [(w["code"], w["reason"]) for w in told] == [("quantity_reduced", "out_of_stock")]
    assert held(ref)[0] == {str(mug): 2}
    stranger = Viewer(user_id=a_member().user_id)
    with pytest.raises(NotFound):
        run_unit(lambda: reorder(ref, order.number, stranger))


# --- merging at login, followers, holds ----------------------------------------------------------------


def test_signing_in_joins_the_carts_by_the_larger_quantity_and_brings_what_was_saved():
    who = a_member()
    both, mine, theirs, saved = (a_variant() for _ in range(4))
    member = a_cart({both: 2, mine: 1}, who)
    guest = a_cart({both: 5, theirs: 3, saved: 1})
    run_unit(lambda: carts.save_for_later(guest, item_of(guest, saved)))
    for _ in range(2):
        run_unit(lambda: merge_on_login(who.user_id, guest.token))
    assert held(member) == ({str(both): 5, str(mine): 1, str(theirs): 3}, {str(saved): 1})


def test_an_empty_member_cart_takes_the_guests_currency_and_a_filled_one_keeps_its_own():
    mug = a_variant()
    in_euros(mug, 900)
    fresh, filled = a_member(), a_member()
    a_cart({mug: 1}, filled)
    for who, currency in ((fresh, "EUR"), (filled, "USD")):
        guest = a_cart({mug: 1})
        run_unit(lambda guest=guest: carts.set_currency(guest, "EUR"))
        run_unit(lambda who=who, guest=guest: merge_on_login(who.user_id, guest.token))
        with reading():
            ref = carts.open_cart(Caller(user_id=who.user_id), None)
        assert view(ref)["currency"] == currency


def test_followers_are_told_of_each_change_and_others_cost_nothing():
    mug = a_variant()
    quiet, followed = a_cart({mug: 1}), a_cart({mug: 1})
    run_unit(lambda: live.follow(followed.id))
    before = len(frames("cart.updated"))
    for ref in (quiet, followed):
        run_unit(lambda ref=ref: carts.add_item(ref, mug, 1))
        run_unit(lambda ref=ref: carts.set_quantity(ref, item_of(ref, mug), 1))
        order_cart(ref)
    assert (before, frames("cart.updated")) == (0, [f"cart:{followed.id}"] * 3)


def test_the_end_of_a_hold_is_announced_once_and_anew_after_it_was_extended():
    mug = a_variant()
    ref = a_cart({mug: 1})
    run_unit(lambda: start_hold(ref))
    assert run_unit(inventory.warn_of_expiry) == 0
    for told in (1, 0):
        run_unit(
            lambda: db.run("UPDATE stock_holds SET expires_at = now() + interval '90 seconds' WHERE state = 'live'")
        )
        assert run_unit(inventory.warn_of_expiry) == told
    assert frames("hold.expiring") == [f"cart:{ref.id}"]
    run_unit(lambda: start_hold(ref))
    run_unit(lambda: db.run("UPDATE stock_holds SET expires_at = now() + interval '60 seconds' WHERE state = 'live'"))
    assert run_unit(inventory.warn_of_expiry) == 1


def test_money_of_a_currency_without_decimals_is_ordered_as_it_stands():
    mug = a_variant(price=1000)
    run_unit(
        lambda: db.run("INSERT INTO variant_prices (variant_id, currency, price_minor) VALUES (:v, 'JPY', 1500)", v=mug)
    )
    ref: CartRef = a_cart({mug: 2})
    run_unit(lambda: carts.set_currency(ref, "JPY"))
    assert view(ref)["total"] == Money(3000, "JPY").as_dict()
