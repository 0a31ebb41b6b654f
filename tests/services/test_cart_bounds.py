"""Where carts end: how long they may hold stock, how many items joining brings, when a guest's is forgotten."""

from datetime import datetime, timedelta

import pytest

from quickshop.accounts.callers import ANONYMOUS, Caller
from quickshop.cart import service as carts
from quickshop.cart.errors import CartClosed
from quickshop.cart.merging import merge_on_login
from quickshop.checkout.errors import HoldOver
from quickshop.checkout.service import start_hold
from quickshop.factory import create_app
from quickshop.inventory import service as inventory
from quickshop.kernel import db
from quickshop.kernel.clock import now
from quickshop.kernel.ids import first_id_of, new_id
from quickshop.kernel.unit_of_work import run_unit
from tests.factories.shop import a_cart, a_member, a_variant, look, order_cart, stock_of

pytestmark = pytest.mark.usefixtures("core")


def hold(ref):
    return datetime.fromisoformat(run_unit(lambda: start_hold(ref))["expires_at"])


def pass_minutes(minutes):
    """Let so much time pass for carts and what they hold."""

    def older():
        for column in ("held_since", "updated_at"):
            db.run(f"UPDATE carts SET {column} = {column} - make_interval(mins => :m)", m=minutes)
        db.run("UPDATE stock_holds SET expires_at = expires_at - make_interval(mins => :m)", m=minutes)

    run_unit(older)
    while run_unit(inventory.release_expired):
        pass


def minutes_to(moment):
    return round((moment - now()).total_seconds() / 60, 1)


def test_a_hold_is_extended_for_an_hour_and_then_leaves_the_stock_to_others():
    mug = a_variant(stock=2)
    ref = a_cart({mug: 2})
    granted = []
    for _ in range(6):
        granted.append(minutes_to(hold(ref)))
        pass_minutes(10)
    assert granted == pytest.approx([15, 15, 15, 15, 15, 10], abs=0.2)
    assert stock_of(mug) == (2, 0)
    with pytest.raises(HoldOver) as refusal:
        hold(ref)
    assert minutes_to(datetime.fromisoformat(refusal.value.extra["again_at"])) == pytest.approx(15, abs=0.2)
    assert stock_of(mug) == (2, 0)
    assert order_cart(a_cart({mug: 1})).number  # somebody else's turn
    pass_minutes(16)
    run_unit(lambda: db.run("UPDATE cart_items SET quantity = 1"))
    assert minutes_to(hold(ref)) == pytest.approx(15, abs=0.2)


def test_who_may_hold_no_longer_can_still_order_and_who_came_back_later_may_hold_anew():
    mug = a_variant(stock=4)
    ref, other = a_cart({mug: 1}), a_cart({mug: 1})
    hold(ref)
    pass_minutes(65)
    with pytest.raises(HoldOver):
        hold(ref)
    assert minutes_to(hold(other)) == pytest.approx(15, abs=0.2)
    assert order_cart(ref).number
    pass_minutes(120)
    assert minutes_to(hold(other)) == pytest.approx(15, abs=0.2)


# --- joining -------------------------------------------------------------------------------------------


def fill(ref, count, aside=0):
    """So many items, and things saved for later, each newer than the one before; their variants in that order."""
    product = look("SELECT product_id FROM variants LIMIT 1")[0].product_id
    made = [new_id() for _ in range(count + aside)]

    def write():
        db.run(
            "INSERT INTO variants (id, product_id, sku, currency, price_minor)"
            " SELECT id, :product, 'X' || id, 'USD', 100 FROM unnest(CAST(:ids AS uuid[])) AS x (id)",
            product=product,
            ids=made,
        )
        db.run(
            "INSERT INTO cart_items (id, cart_id, variant_id, quantity, added_at)"
            " SELECT gen_random_uuid(), :cart, id, 1, now() + nth * interval '1 ms'"
            " FROM unnest(CAST(:ids AS uuid[])) WITH ORDINALITY AS x (id, nth)",
            cart=ref.id,
            ids=made[:count],
        )
        db.run(
            "INSERT INTO cart_asides (id, cart_id, user_id, variant_id, kind, quantity)"
            " SELECT gen_random_uuid(), CASE WHEN :user IS NULL THEN CAST(:cart AS uuid) END, CAST(:user AS uuid), id,"
            " 'saved', 1 FROM unnest(CAST(:ids AS uuid[])) AS x (id)",
            cart=ref.id,
            user=ref.user_id,
            ids=made[count:],
        )

    run_unit(write)
    return made


def test_joining_fills_the_cart_to_its_room_with_what_the_guest_put_in_last():
    mug = a_variant()
    who = a_member()
    mine, theirs = a_cart({mug: 1}, who), a_cart({mug: 3})
    own = fill(mine, 497, aside=499)
    brought = fill(theirs, 10, aside=5)
    run_unit(lambda: merge_on_login(who.user_id, theirs.token))
    rows = look("SELECT variant_id, quantity FROM cart_items WHERE cart_id = :id", id=mine.id)
    assert {r.variant_id for r in rows} == {mug, *own[:497], *brought[8:10]}
    assert next(r.quantity for r in rows if r.variant_id == mug) == 3
    saved = look("SELECT variant_id FROM cart_asides WHERE user_id = :u AND kind = 'saved'", u=who.user_id)
    assert len(saved) == 500
    assert {r.variant_id for r in saved} > set(own[497:])


def test_joining_brings_no_more_than_ten_codes_and_keeps_the_members():
    who = a_member()
    mug = a_variant()
    mine, theirs = a_cart({mug: 1}, who), a_cart({mug: 1})
    put = "INSERT INTO cart_codes (cart_id, code) SELECT :c, :p || n FROM generate_series(1, :n) n"
    run_unit(lambda: db.run(put, c=mine.id, p="MINE", n=8))
    run_unit(lambda: db.run(put, c=theirs.id, p="THEIRS", n=5))
    run_unit(lambda: merge_on_login(who.user_id, theirs.token))
    codes = [r.code for r in look("SELECT code FROM cart_codes WHERE cart_id = :c", c=mine.id)]
    assert (len(codes), sum(c.startswith("MINE") for c in codes)) == (10, 8)


# --- forgetting ----------------------------------------------------------------------------------------


def test_ids_are_before_or_after_a_moment_as_they_were_made():
    before, moment = new_id(), now() + timedelta(milliseconds=2)
    assert before < first_id_of(moment) < first_id_of(moment + timedelta(milliseconds=1))
    assert first_id_of(now() - timedelta(milliseconds=2)) < new_id()


def test_carts_of_guests_are_forgotten_when_nobody_touched_them_for_long(settings, monkeypatch):
    mug = a_variant(stock=50)
    who = a_member()
    merged = a_cart({mug: 1})
    run_unit(lambda: merge_on_login(who.user_id, merged.token))
    ordered = a_cart({mug: 1})
    order_cart(ordered)
    old, touched, held = (a_cart({mug: 1}) for _ in range(3))
    hold(held)

    def older():
        db.run("UPDATE carts SET updated_at = now() - interval '61 days' WHERE id <> :id", id=touched.id)

    run_unit(older)
    # All were made a while ago: their ids say so, and cannot be changed here, so the clock of ids is moved instead.
    monkeypatch.setattr(carts, "first_id_of", lambda moment: first_id_of(now() + timedelta(seconds=1)))
    with create_app(role="worker", settings=settings).app_context():
        assert run_unit(carts.prune) == 2
        assert run_unit(carts.prune) == 0
    left = {row.id for row in look("SELECT id FROM carts")}
    mine = look("SELECT id FROM carts WHERE user_id = :u", u=who.user_id)[0].id
    assert left == {mine, ordered.id, touched.id, held.id}
    assert {row.cart_id for row in look("SELECT cart_id FROM cart_items")} == {mine, ordered.id, touched.id, held.id}
    with pytest.raises(CartClosed):
        run_unit(lambda: carts.add_item(carts.open_cart(ANONYMOUS, old.token), mug, 1))
    assert run_unit(lambda: carts.start_cart(Caller())).id not in left
