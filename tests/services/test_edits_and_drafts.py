"""Editing an order before it is packed, and draft orders that are paid by a link: money and units always add up."""

import pytest

from quickshop.accounts.callers import ANONYMOUS
from quickshop.cart.errors import ItemsUnavailable
from quickshop.checkout import drafts, editing
from quickshop.checkout.drafts import NewDraft
from quickshop.checkout.errors import DraftClosed, PriceChanged
from quickshop.kernel import db
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.money import Money
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.orders import holding, packing, processing, proving, queries, refunds
from quickshop.orders.errors import NotEditable
from quickshop.orders.viewers import Viewer
from tests.factories import shop
from tests.factories.racing import together

pytestmark = pytest.mark.usefixtures("core", "gateway")
STAFF = Viewer(staff=True)


def edit(order, quantities=None, address=None, added=None):
    return run_unit(lambda: editing.edit(order.number, quantities or {}, address, added or {}, None, None))


def view(order):
    with reading():
        return queries.order_view(order.number, STAFF)


def given_back(order):
    with reading():
        return [(r["cause"], r["amount"]["amount"], r["lines"]) for r in refunds.refunds_of(order.id)]


def charged(gateway, order):
    """What the gateway keeps of an order in the end."""
    return sum(c.captured - c.refunded for c in gateway.charges.values() if c.order == order.number)


# --- fewer -------------------------------------------------------------------------------------------------


def test_units_taken_off_go_back_to_the_shelf_and_their_money_to_the_card(gateway):
    mug, pen = shop.a_variant(price=1000, stock=9), shop.a_variant(price=333, stock=9)
    order = shop.a_confirmed_order(items={mug: 3, pen: 2})
    edit(order, {1: 1, 2: 0})
    shop.process_until_ended(order)
    assert (shop.stock_of(mug), shop.stock_of(pen)) == ((8, 0), (9, 0))
    ((cause, amount, lines),) = given_back(order)
    assert (cause, amount, [line["quantity"] for line in lines]) == ("edit", 2666, [2, 2])
    assert charged(gateway, order) == order.total - 2666
    assert [item["units"]["cancelled"] for item in view(order)["items"]] == [2, 2]
    assert shop.state_of(order) == ("confirmed", "partially_refunded")
    assert "order.edited" in shop.log_of(order)
    with reading():
        assert proving.prove(order.number).state == "whole"


def test_only_what_is_left_is_packed_and_only_that_comes_back_when_it_is_cancelled(gateway):
    mug = shop.a_variant(price=1000, stock=9)
    order, other = (shop.a_confirmed_order(items={mug: 3}) for _ in range(2))
    for each in (order, other):
        edit(each, {1: 2})
    parcel = run_unit(lambda: packing.pack(order.number, None, None))
    with reading():
        assert sum(packing.units_of(parcel).values()) == 2
    shop.cancel(other)
    shop.process_until_ended(other)
    assert shop.stock_of(mug) == (7, 0)
    assert charged(gateway, other) == 0
    assert sum(amount for _, amount, _ in given_back(other)) == other.total


def test_an_edit_says_how_many_shall_come_so_doing_it_twice_changes_nothing_more(gateway):
    order = shop.a_confirmed_order(items={shop.a_variant(stock=9): 3})
    for _ in range(2):
        edit(order, {1: 2})
    assert [amount for _, amount, _ in given_back(order)] == [1000]


def test_a_held_order_is_edited_and_stays_held(gateway):
    order = shop.a_confirmed_order(items={shop.a_variant(stock=9): 3})
    run_unit(lambda: holding.hold(order.number, None))
    edit(order, {1: 1})
    shop.process_until_ended(order)
    assert shop.state_of(order) == ("on_hold", "partially_refunded")
    run_unit(lambda: holding.release(order.number, None))
    assert shop.state_of(order)[0] == "confirmed"


@pytest.mark.parametrize(
    ("quantities", "place"),
    [({1: 0}, "lines"), ({1: 4}, "lines.1"), ({1: -1}, "lines.1"), ({2: 1}, "lines")],
    ids=["nothing left", "more", "negative", "no such line"],
)
def test_what_cannot_be_is_refused_and_changes_nothing(quantities, place):
    order = shop.a_confirmed_order(items={shop.a_variant(stock=9): 3})
    before = shop.everything()
    with pytest.raises(Invalid) as refusal:
        edit(order, quantities)
    assert place in refusal.value.errors
    assert shop.everything() == before


def packed():
    order = shop.a_confirmed_order(items={shop.a_variant(stock=9): 3})
    run_unit(lambda: packing.pack(order.number, {1: 1}, None))
    return order


@pytest.mark.parametrize("make", [shop.an_order, shop.a_declined_order, shop.an_order_on_hold, packed])
def test_only_what_is_paid_and_not_packed_is_edited(make):
    order = make()
    with pytest.raises(NotEditable):
        edit(order, {1: 1}, shop.ADDRESS)


# --- another address ---------------------------------------------------------------------------------------


def test_another_door_is_written_and_signed_again():
    order = shop.a_confirmed_order()
    edit(order, address={**shop.ADDRESS, "line1": "2 Mill Lane"})
    assert view(order)["shipping_address"]["line1"] == "2 Mill Lane"
    with reading():
        assert proving.prove(order.number).state == "whole"
    with pytest.raises(Invalid):
        edit(order, address={**shop.ADDRESS, "country": "US", "region": "NY", "postal_code": "10001"})


def test_an_order_that_was_tampered_with_is_not_signed_again():
    order = shop.a_confirmed_order()
    run_unit(lambda: db.run("UPDATE orders SET priority_reason = 'x' WHERE id = :id", id=order.id))
    with pytest.raises(NotEditable):
        edit(order, address={**shop.ADDRESS, "line1": "2 Mill Lane"})


# --- edits against others ----------------------------------------------------------------------------------


@pytest.mark.parametrize("other", ["cancel", "pack", "edit", "refund"])
def test_an_edit_and_something_else_at_once_lose_no_money_and_no_unit(core, gateway, other):
    mug = shop.a_variant(price=1000, stock=9)
    order = shop.a_confirmed_order(items={mug: 3})
    acts = {
        "cancel": lambda: shop.cancel(order),
        "pack": lambda: run_unit(lambda: packing.pack(order.number, None, None)),
        "edit": lambda: edit(order, {1: 2}),
        "refund": lambda: shop.refund(order, 700),
    }
    together(core, lambda: edit(order, {1: 1}), acts[other])
    shop.process_until_ended(order)
    coming = view(order)["items"][0]["units"]
    on_hand, held = shop.stock_of(mug)
    gone = 3 - coming["cancelled"] if shop.state_of(order)[0] != "cancelled" else 0
    assert (on_hand, held) == (9 - gone, 0)
    assert charged(gateway, order) == order.total - sum(amount for _, amount, _ in given_back(order))
    assert coming["packed"] <= 3 - coming["cancelled"]


# --- drafts ------------------------------------------------------------------------------------------------


def a_draft(items, **more):
    wish = {"shipping_address": shop.ADDRESS, "shipping_method": "standard"} | more
    if "user_id" not in wish:
        wish.setdefault("email", "robin@quickshop.example")
    return run_unit(lambda: drafts.make(NewDraft(items, **wish), None))


def pay(draft, caller=ANONYMOUS, token="tok_approve", expected=None):
    total = expected or draft["totals"]["total"]["amount"]
    choice = {"payment_token": token, "payment_method_id": None, "device": None, "request_id": None}
    return run_unit(lambda: drafts.pay(draft["token"], caller, expected_total=Money(total, "USD"), **choice))


def draft_now(draft):
    with reading():
        return drafts.shown_by_link(draft["token"])


def test_a_draft_is_paid_by_its_link_and_becomes_its_customers_order(gateway):
    member, mug = shop.a_member(vip=True), shop.a_variant(price=1000, stock=5)
    draft = a_draft({mug: 2}, user_id=member.user_id)
    assert draft["totals"]["total"] == {"amount": 2500, "currency": "USD"}
    assert shop.stock_of(mug) == (5, 0)
    made = pay(draft)
    assert pay(draft)["number"] == made["number"]
    assert (made["priority"], made["status"]) == ("vip", "placed")
    order = shop.Placed(made["id"], made["number"], made)
    processing.process(order.id)
    assert shop.state_of(order) == ("confirmed", "captured")
    assert draft_now(draft)["state"] == "ordered" and draft_now(draft)["order"] == made["number"]
    with reading():
        assert queries.list_orders(user_id=member.user_id)["items"][0]["number"] == made["number"]
        assert proving.prove(made["number"]).state == "whole"


def test_two_who_pay_a_draft_at_once_make_one_order(core, gateway):
    draft = a_draft({shop.a_variant(stock=5): 1})
    answers = together(core, *[lambda: pay(draft)] * 4)
    assert len({answer["number"] for answer in answers}) == 1
    assert shop.look("SELECT count(*) AS n FROM orders")[0].n == 1


def test_a_draft_tells_the_price_of_the_moment_and_is_refused_at_another(gateway):
    mug = shop.a_variant(price=1000, stock=5)
    draft = a_draft({mug: 1})
    shop.set_price(mug, 1200)
    assert draft_now(draft)["totals"]["total"]["amount"] == 1700
    with pytest.raises(PriceChanged):
        pay(draft)
    assert pay(draft, expected=1700)["totals"]["total"]["amount"] == 1700


def test_a_draft_that_is_over_or_cancelled_is_not_paid(gateway):
    gone, late, paid = (a_draft({shop.a_variant(stock=5): 1}) for _ in range(3))
    run_unit(lambda: drafts.cancel(gone["id"]))
    run_unit(lambda: db.run("UPDATE order_drafts SET expires_at = now() WHERE id = :id", id=late["id"]))
    for each, state in ((gone, "cancelled"), (late, "expired")):
        with pytest.raises(DraftClosed):
            pay(each)
        assert draft_now(each)["state"] == state
    pay(paid)
    with pytest.raises(DraftClosed):
        run_unit(lambda: drafts.cancel(paid["id"]))
    with pytest.raises(NotFound):
        run_unit(lambda: drafts.pay("x", ANONYMOUS, payment_token="tok_approve", payment_method_id=None,
                                    expected_total=Money(1, "USD"), device=None, request_id=None))  # fmt: skip


def test_what_cannot_be_bought_is_told_when_a_draft_is_made_and_when_it_is_looked_at(gateway):
    mug = shop.a_variant(stock=1)
    draft = a_draft({mug: 1})
    shop.an_order({mug: 1})
    assert draft_now(draft)["problem"].startswith("Not to be had now")
    withdrawn = shop.a_variant()
    run_unit(lambda: db.run("UPDATE products SET withdrawn_at = now()"))
    with pytest.raises(ItemsUnavailable):
        a_draft({withdrawn: 1})
    for wrong in (
        {"email": None},
        {"shipping_address": None},
        {"user_id": shop.a_member().user_id, "email": "a@b.example"},
    ):
        with pytest.raises(Invalid):
            a_draft({shop.a_variant(): 1}, **wrong)


def test_goods_added_to_an_order_are_a_draft_for_the_same_buyer_without_shipping(gateway):
    member, mug = shop.a_member(), shop.a_variant(price=1000, stock=9)
    order = shop.a_confirmed_order(items={mug: 1}, caller=member)
    given, draft = edit(order, added={mug: 2})
    assert given is None
    assert (draft["for_order"], draft["totals"]["total"]["amount"]) == (order.number, 2000)
    assert draft["shipping_address"] == view(order)["shipping_address"]
    more = pay(draft, caller=member)
    assert (more["totals"]["shipping"]["amount"], more["items"][0]["quantity"]) == (0, 2)
    with reading():
        assert drafts.drafts_for(order.number)[0]["order"] == more["number"]
        assert queries.order_view(more["number"], Viewer(user_id=member.user_id))["email"] == view(order)["email"]


def test_an_exchange_of_goods_gives_back_one_and_asks_for_the_other(gateway):
    mug, pen = shop.a_variant(price=1000, stock=9), shop.a_variant(price=1500, stock=9)
    order = shop.a_confirmed_order(items={mug: 2})
    given, draft = edit(order, {1: 1}, added={pen: 1})
    assert given.amount_minor == 1000
    assert draft["totals"]["total"]["amount"] == 1500


def test_a_draft_holds_its_customer_only_sealed():
    a_draft({shop.a_variant(): 1}, email="robin@quickshop.example")
    row = shop.look("SELECT d::text AS words FROM order_drafts d")[0].words
    for word in ("robin", "Mill", b"robin".hex()):
        assert word not in row
