"""Turning a cart into an order: all of it or nothing, once, at the price the shopper saw."""

from dataclasses import replace

import pytest

from quickshop.accounts.callers import ANONYMOUS
from quickshop.accounts.errors import EmailNotVerified
from quickshop.cart.errors import CartClosed, CartEmpty, NotPriced
from quickshop.cart.refs import CartRef
from quickshop.checkout.errors import GuestsNotServed, PriceChanged
from quickshop.checkout.service import place_order, quote, start_hold
from quickshop.inventory.errors import OutOfStock
from quickshop.kernel import db
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.ids import new_id
from quickshop.kernel.money import Money
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.orders.errors import ReferenceUsed
from quickshop.orders.queries import order_view
from quickshop.orders.viewers import Viewer
from tests.factories.shop import (
    ADDRESS,
    a_cart,
    a_member,
    a_variant,
    a_wish,
    an_order,
    everything,
    log_of,
    look,
    order_cart,
    set_price,
    stock_of,
    total_of,
    work_of,
)

pytestmark = pytest.mark.usefixtures("core")


def refused(error, ref, caller=ANONYMOUS, **wish):
    """Place the order, see it refused with `error` and nothing at all changed; the refusal."""
    asked = a_wish(ref, **{"expected_total": Money(0, "USD")} | wish)
    before = everything()
    with pytest.raises(error) as refusal:
        run_unit(lambda: place_order(caller, ref, asked))
    assert everything() == before
    return refusal.value


@pytest.fixture
def with_settings(core, monkeypatch):
    """Change settings of the running application."""

    def change(**values):
        key = "quickshop.settings"
        monkeypatch.setitem(core.extensions, key, replace(core.extensions[key], **values))

    return change


# --- what an order is ----------------------------------------------------------------------------------


def test_an_order_copies_its_lines_and_sums_and_begins_its_log():
    mug, tray = a_variant(price=1250, stock=5), a_variant(price=399, stock=9)
    order = an_order({mug: 2, tray: 3}, token="tok_approve")
    document = order.document
    assert [(i["quantity"], i["unit_price"]["amount"], i["total"]["amount"]) for i in document["items"]] == [
        (2, 1250, 2500),
        (3, 399, 1197),
    ]
    amounts = {name: money["amount"] for name, money in document["totals"].items()}
    sums = {"subtotal": 3697, "discount": 0, "shipping": 500, "tax": 0, "tax_included": 0, "total": 4197}
    assert amounts == sums | {"credit": 0, "due": 4197}
    assert (document["status"], document["payment_status"], document["fulfilment_status"]) == (
        "placed",
        "pending",
        "unfulfilled",
    )
    assert document["number"].startswith("QS-")
    assert document["topic"] == f"order:{order.number}"
    assert log_of(order) == ["order.placed"]
    assert stock_of(mug) == (5, 2)
    assert stock_of(tray) == (9, 3)


def test_what_the_answer_shows_is_what_is_read_later():
    order = an_order()
    document = dict(order.document)
    token = document.pop("token")
    with reading():
        assert order_view(order.number, Viewer(order_token=token)) == document


def test_an_order_brings_one_outbox_row_with_its_frame_and_the_hint_of_its_class():
    member = a_member()
    order = an_order(caller=member)
    (row,) = look("SELECT frames, tasks FROM outbox")
    assert [(f["topic"], f["seq"], f["type"]) for f in row.frames] == [
        (f"order:{order.number}", 1, "order.placed"),
        (f"account:{member.user_id}", 1, "order.placed"),
    ]
    assert row.tasks == [
        {"name": "orders.process", "queue": "orders.standard", "args": [str(order.id)]},
        {"name": "notifications.drain", "queue": "notify", "args": []},
    ]


@pytest.mark.parametrize(
    ("member", "price", "expected"),
    [
        ({"vip": True}, 100, ("vip", "vip_group")),
        ({"spent": 200_000}, 100, ("vip", "lifetime_spend")),
        ({}, 50_000, ("high", "order_value")),
        ({}, 100, ("standard", "default")),
    ],
)
def test_the_class_is_decided_at_submission_and_stored_with_its_reason(member, price, expected):
    order = an_order({a_variant(price=price): 1}, caller=a_member(**member))
    assert (order.document["priority"], order.document["priority_reason"]) == expected
    assert work_of(order).queue == f"orders.{expected[0]}"


def test_a_later_price_or_name_does_not_change_the_order():
    mug = a_variant(price=1250)
    order = an_order({mug: 1})
    set_price(mug, 9900)
    run_unit(lambda: db.run("UPDATE products SET name = 'Another'"))
    with reading():
        now = order_view(order.number, Viewer(staff=True))
    assert (now["items"], now["totals"]) == (order.document["items"], order.document["totals"])


def test_personal_data_stand_sealed():
    order = an_order(email="robin.secret@quickshop.example")
    (row,) = look("SELECT o::text AS text FROM orders o WHERE id = :id", id=order.id)
    for secret in ("robin.secret", ADDRESS["name"], ADDRESS["line1"], ADDRESS["postal_code"]):
        assert secret not in row.text
        assert secret.encode().hex() not in row.text
    outbox = look("SELECT frames::text || tasks::text AS text FROM outbox")
    assert all(ADDRESS["name"] not in r.text and "robin.secret" not in r.text for r in outbox)


# --- refusals change nothing ---------------------------------------------------------------------------


def test_an_empty_cart_is_refused():
    a_variant()
    refused(CartEmpty, a_cart({}))


def test_a_cart_that_never_was_is_refused():
    refused(CartClosed, CartRef(new_id(), None))


def test_another_total_than_the_shopper_saw_is_refused_with_both():
    mug = a_variant(price=1000)
    ref = a_cart({mug: 2})
    seen = total_of(ref)
    set_price(mug, 1100)
    refusal = refused(PriceChanged, ref, expected_total=seen)
    [change] = refusal.extra.pop("changes")
    assert (change["code"], change["before"]["amount"], change["now"]["amount"]) == ("price_raised", 1000, 1100)
    assert refusal.extra == {
        "expected_total": {"amount": 2500, "currency": "USD"},
        "actual_total": {"amount": 2700, "currency": "USD"},
    }
    assert (refusal.status, refusal.code) == (409, "price_changed")


def test_a_price_that_fell_is_refused_too():
    mug = a_variant(price=1000)
    ref = a_cart({mug: 1})
    seen = total_of(ref)
    set_price(mug, 900)
    refused(PriceChanged, ref, expected_total=seen)


def test_the_right_amount_in_another_currency_is_refused():
    ref = a_cart({a_variant(price=1000): 1})
    refused(PriceChanged, ref, expected_total=Money(1500, "EUR"))


def test_every_shortage_is_told_in_one_refusal():
    plenty, few, none, gone = (a_variant(stock=n) for n in (50, 3, 0, 8))
    ref = a_cart({plenty: 5, few: 4, none: 1, gone: 8})
    an_order({gone: 6})
    refusal = refused(OutOfStock, ref, expected_total=total_of(ref))
    told = {s["variant_id"]: (s["requested"], s["available"]) for s in refusal.extra["shortages"]}
    assert told == {str(few): (4, 3), str(none): (1, 0), str(gone): (8, 2)}
    assert (refusal.status, refusal.code) == (409, "out_of_stock")


def test_a_way_of_shipping_that_is_not_offered_is_refused():
    ref = a_cart({a_variant(): 1})
    assert "shipping_method" in refused(Invalid, ref, shipping_method="pigeon").errors


def test_what_has_no_price_in_the_carts_currency_is_not_put_into_it():
    foreign = a_variant(currency="EUR")
    with pytest.raises(NotPriced) as refusal:
        a_cart({a_variant(currency="USD"): 1, foreign: 1})
    assert (refusal.value.status, refusal.value.code) == (409, "no_price_in_currency")


def test_an_empty_cart_takes_the_currency_of_what_only_has_that():
    ref = a_cart({a_variant(currency="EUR", price=700): 2})
    with reading():
        assert quote(ref, None)["totals"]["subtotal"] == {"amount": 1400, "currency": "EUR"}


def test_a_guest_without_an_address_for_mail_is_refused():
    ref = a_cart({a_variant(): 1})
    refusal = refused(Invalid, ref, email=None, expected_total=total_of(ref))
    assert "email" in refusal.errors


def test_guests_are_refused_where_the_shop_serves_members_only(with_settings):
    with_settings(guests_may_order=False)
    ref = a_cart({a_variant(): 1})
    refused(GuestsNotServed, ref, expected_total=total_of(ref))


def test_a_member_without_a_verified_address_is_refused():
    member = a_member(verified=False)
    ref = a_cart({a_variant(): 1}, member)
    refusal = refused(EmailNotVerified, ref, member, expected_total=total_of(ref))
    assert refusal.status == 403


def test_a_member_without_a_verified_address_may_order_where_the_shop_allows_it(with_settings):
    with_settings(members_need_verified_email=False)
    an_order(caller=a_member(verified=False))


def test_the_same_reference_is_refused_for_good():
    first = an_order(client_reference="invoice-1", email="a@b.example")
    ref = a_cart({a_variant(): 1})
    refusal = refused(
        ReferenceUsed, ref, client_reference="invoice-1", email=" A@B.example", expected_total=total_of(ref)
    )
    assert refusal.code == "client_reference_used"
    assert [r.number for r in look("SELECT number FROM orders")] == [first.number]


def test_a_reference_belongs_to_its_caller():
    an_order(client_reference="invoice-1", email="a@b.example")
    an_order(client_reference="invoice-1", email="c@d.example")
    an_order(client_reference="invoice-1", caller=a_member())
    assert len(look("SELECT 1 FROM orders WHERE client_reference = 'invoice-1'")) == 3


def test_orders_without_a_reference_never_collide():
    member = a_member()
    an_order(caller=member)
    an_order(caller=member)


def test_a_cart_of_another_member_is_not_ordered():
    owner, other = a_member(), a_member()
    theirs = a_cart({a_variant(): 1}, owner)
    refused(CartClosed, CartRef(theirs.id, other.user_id), other)
    refused(CartClosed, CartRef(theirs.id, None))


# --- twice ---------------------------------------------------------------------------------------------


def test_a_second_click_returns_the_same_order_and_changes_nothing():
    ref = a_cart({a_variant(): 1})
    asked = a_wish(ref)
    first = run_unit(lambda: place_order(ANONYMOUS, ref, asked))
    before = everything()
    assert run_unit(lambda: place_order(ANONYMOUS, ref, asked)) == first
    assert everything() == before


def test_a_second_click_of_a_member_returns_the_same_order_without_a_token():
    member = a_member()
    ref = a_cart({a_variant(): 1}, member)
    asked = a_wish(ref)
    first, second = (run_unit(lambda: place_order(member, ref, asked)) for _ in range(2))
    assert first == second
    assert "token" not in second


def test_a_refused_cart_can_be_ordered_once_there_is_stock():
    mug = a_variant(stock=1)
    ref = a_cart({mug: 2})
    refused(OutOfStock, ref, expected_total=total_of(ref))
    run_unit(lambda: db.run("UPDATE stock_items SET on_hand = 2"))
    order_cart(ref)
    assert stock_of(mug) == (2, 2)


# --- who may look --------------------------------------------------------------------------------------


def test_an_order_is_shown_to_its_guest_its_member_and_staff_only():
    member, stranger = a_member(), a_member()
    guests, members = an_order(), an_order(caller=member)
    token = guests.document["token"]
    allowed = [
        (guests, Viewer(order_token=token)),
        (guests, Viewer(staff=True)),
        (members, Viewer(user_id=member.user_id)),
        (members, Viewer(staff=True)),
    ]
    refused_ = [
        (guests, Viewer()),
        (guests, Viewer(user_id=stranger.user_id)),
        (guests, Viewer(order_token=an_order().document["token"])),
        (guests, Viewer(order_token=token[:-1] + ("0" if token[-1] != "0" else "1"))),
        (members, Viewer()),
        (members, Viewer(user_id=stranger.user_id)),
        (members, Viewer(order_token=token)),
    ]
    with reading():
        for order, viewer in allowed:
            assert order_view(order.number, viewer)["number"] == order.number
        for order, viewer in refused_:
            with pytest.raises(NotFound):
                order_view(order.number, viewer)


# --- holds ---------------------------------------------------------------------------------------------


def hold(ref):
    return run_unit(lambda: start_hold(ref))


def test_a_held_cart_is_ordered_from_its_own_hold():
    mug = a_variant(stock=2)
    ref = a_cart({mug: 2})
    hold(ref)
    assert stock_of(mug) == (2, 2)
    order = order_cart(ref)
    assert stock_of(mug) == (2, 2)
    owners = look("SELECT cart_id, order_id, state FROM stock_holds ORDER BY created_at, state DESC")
    assert [(r.cart_id, r.order_id, r.state) for r in owners] == [(ref.id, None, "released"), (None, order.id, "live")]


def test_what_the_shopper_holds_is_available_to_the_shopper():
    mug = a_variant(stock=2)
    ref = a_cart({mug: 2})
    hold(ref)
    with reading():
        assert quote(ref, "standard")["warnings"] == []
    other = a_cart({mug: 1})
    with reading():
        assert [w["available"] for w in quote(other, "standard")["warnings"]] == [0]


def test_a_hold_follows_the_cart_and_never_counts_twice():
    mug, tray = a_variant(stock=5), a_variant(stock=5)
    ref = a_cart({mug: 2})
    hold(ref)
    run_unit(lambda: db.run("UPDATE cart_items SET variant_id = :v, quantity = 3", v=tray))
    hold(ref)
    hold(ref)
    assert (stock_of(mug), stock_of(tray)) == ((5, 0), (5, 3))
    assert len(look("SELECT 1 FROM stock_holds WHERE state = 'live'")) == 1


def test_a_hold_that_cannot_be_had_changes_nothing():
    mug, tray = a_variant(stock=5), a_variant(stock=1)
    ref = a_cart({mug: 2})
    hold(ref)
    run_unit(lambda: db.run("UPDATE cart_items SET variant_id = :v, quantity = 2", v=tray))
    before = everything()
    with pytest.raises(OutOfStock):
        hold(ref)
    assert everything() == before


def test_an_ordered_cart_cannot_be_held_again():
    mug = a_variant()
    ref = a_cart({mug: 1})
    order_cart(ref)
    before = everything()
    with pytest.raises((CartClosed, CartEmpty)):
        hold(ref)
    assert everything() == before
