"""Promotions, gift cards and store credit in whole orders: taken off, paid with, spent, given back, taken again."""

from datetime import timedelta

import pytest

from quickshop.cart.queries import cart_view
from quickshop.checkout.errors import PriceChanged
from quickshop.checkout.service import place_order, priced_cart, quote
from quickshop.kernel import clock, db
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.orders import processing
from quickshop.promotions import crediting, managing
from quickshop.promotions.errors import CodeEnded, CodeUnknown, CreditSpent, TooManyCodes, UsedUp
from tests.factories import promotions as offers
from tests.factories import shop
from tests.factories.promotions import a_gift_card, a_promotion, discounts_of, left_on, uses_of, with_codes

pytestmark = pytest.mark.usefixtures("core", "gateway")


def bought(items, *codes, caller=shop.ANONYMOUS, credit=False, **wish):
    ref = with_codes(shop.a_cart(items, caller), *codes, caller=caller, credit=credit)
    return shop.order_cart(ref, caller, **wish)


def in_cart(ref):
    with reading():
        return priced_cart(cart_view(ref), ref)


def amounts(document):
    return {name: value["amount"] for name, value in document["totals"].items()}


# --- what is taken off ---------------------------------------------------------------------------------


def test_cart_quote_and_order_say_the_same_of_a_code():
    mug, pot = shop.a_variant(price=1000), shop.a_variant(price=333)
    a_promotion(code="SPRING", rate=1500)
    ref = with_codes(shop.a_cart({mug: 2, pot: 1}), "spr-ing ")
    cart = in_cart(ref)
    assert [(d["rule"], d["code"], d["amount"]["amount"]) for d in cart["discounts"]] == [("percent", "SPRING", 350)]
    assert (cart["subtotal"]["amount"], cart["total"]["amount"]) == (2333, 1983)
    assert [(c["code"], c["applied"], c["amount"]["amount"]) for c in cart["coupons"]] == [("SPRING", True, 350)]
    with reading():
        quoted = quote(ref, "standard")
    assert quoted["discounts"] == cart["discounts"]
    order = shop.order_cart(ref)
    assert amounts(order.document) == amounts(quoted)
    assert (order.document["totals"]["discount"]["amount"], order.total) == (350, 2483)
    assert discounts_of(order) == [("percent", 1, 300), ("percent", 2, 50)]
    assert [d["amount"]["amount"] for d in order.document["discounts"]] == [350]


def test_free_shipping_is_a_discount_of_all_that_shipping_costs():
    a_promotion("free_shipping")
    order = shop.an_order()
    found = amounts(order.document)
    assert (found["shipping"], found["discount"], found["total"]) == (500, 500, 1000)
    assert discounts_of(order) == [("free_shipping", 0, 500)]


def test_a_category_brings_all_below_it():
    mug, other = shop.a_variant(), shop.a_variant()
    category = shop.look(
        "SELECT p.category_id AS c FROM variants v JOIN products p ON p.id = v.product_id WHERE v.id = :v", v=mug
    )[0].c
    a_promotion(category_ids=(category,))
    order = bought({mug: 1, other: 1})
    assert [amount for _, _, amount in discounts_of(order)] == [100]


def test_a_segment_and_a_first_order_ask_who_buys():
    trade, new = (
        a_promotion(code="TRADE", segments=("trade",)),
        a_promotion("fixed", code="FIRST", amounts={"USD": 50}, first_order=True),
    )
    member = shop.a_member()
    ref = with_codes(shop.a_cart({shop.a_variant(): 1}, member), "TRADE", "FIRST", caller=member)
    told = {c["code"]: (c["applied"], c["reason"]) for c in in_cart(ref)["coupons"]}
    assert told == {"TRADE": (False, "not_for_you"), "FIRST": (True, None)}
    run_unit(lambda: db.run("UPDATE users SET segment = 'trade', order_count = 1 WHERE id = :id", id=member.user_id))
    told = {c["code"]: (c["applied"], c["reason"]) for c in in_cart(ref)["coupons"]}
    assert told == {"TRADE": (True, None), "FIRST": (False, "first_order_only")}
    shop.order_cart(ref, member)
    assert (uses_of(trade)[1], uses_of(new)[1]) == (1, 0)


# --- what is refused ------------------------------------------------------------------------------------


def test_codes_that_cannot_be_used_are_refused_each_in_its_own_word():
    later = clock.now() + timedelta(days=1)
    a_promotion(code="LATER", starts_at=later)
    a_promotion(code="OVER", ends_at=clock.now() - timedelta(days=1))
    a_promotion(code="OFF", active=False)
    a_promotion(code="ONCE", total_limit=1)
    a_promotion(code="MINE", person_limit=1)
    member, other = shop.a_member(), shop.a_member()
    mug = shop.a_variant()
    bought({mug: 1}, "ONCE", "MINE", caller=member)
    ref = shop.a_cart({mug: 1}, member)
    card, stopped = a_gift_card()
    run_unit(lambda: crediting.set_active(card, False))
    for code, refusal in {"LATER": CodeEnded, "OVER": CodeEnded, "OFF": CodeEnded, "ONCE": UsedUp, "MINE": UsedUp,
                          "NEVER": CodeUnknown, stopped: CodeEnded, "": CodeUnknown}.items():  # fmt: skip
        with pytest.raises(refusal):
            with_codes(ref, code, caller=member)
    with_codes(shop.a_cart({mug: 1}, other), "MINE", caller=other)


def test_a_code_that_ends_before_the_order_changes_the_total_and_is_asked_about():
    offer = a_promotion(code="SPRING")
    ref = with_codes(shop.a_cart({shop.a_variant(): 1}), "SPRING")
    wish = shop.a_wish(ref)
    run_unit(lambda: managing.change(offer, {"active": False}))
    with pytest.raises(PriceChanged):
        run_unit(lambda: place_order(shop.ANONYMOUS, ref, wish))
    assert [(c["applied"], c["reason"]) for c in in_cart(ref)["coupons"]] == [(False, "not_in_force")]
    assert discounts_of(shop.order_cart(ref)) == []


def test_a_guest_counts_by_their_address():
    a_promotion(code="ONE", person_limit=1)
    mug = shop.a_variant()
    first = bought({mug: 1}, "ONE", email="A@quickshop.example")
    assert discounts_of(first) != []
    ref = with_codes(shop.a_cart({mug: 1}), "ONE")
    with pytest.raises(PriceChanged):
        shop.order_cart(ref, email="a@quickshop.example")
    assert discounts_of(shop.order_cart(ref, email="b@quickshop.example")) != []


def test_a_cart_has_room_for_ten_codes():
    ref = shop.a_cart({shop.a_variant(): 1})
    cards = [a_gift_card()[1] for _ in range(11)]
    with pytest.raises(TooManyCodes):
        with_codes(ref, *cards)


def test_store_credit_is_for_members():
    with pytest.raises(NotFound):
        with_codes(shop.a_cart({shop.a_variant(): 1}), credit=True)


# --- what pays ------------------------------------------------------------------------------------------


def test_gift_card_and_store_credit_pay_a_part_and_a_card_the_rest():
    member = shop.a_member()
    offers.credit(member, 300)
    card, code = a_gift_card(900)
    order = bought({shop.a_variant(): 1}, code, caller=member, credit=True)
    found = amounts(order.document)
    assert (found["total"], found["credit"], found["due"]) == (1500, 1200, 300)
    assert left_on(card) == 0
    processing.process(order.id)
    assert shop.state_of(order) == ("confirmed", "captured")
    assert shop.look("SELECT captured_minor AS n FROM payments WHERE order_id = :id", id=order.id)[0].n == 300


def test_an_order_with_nothing_due_is_confirmed_without_a_gateway():
    card, code = a_gift_card(10_000)
    order = bought({shop.a_variant(): 1}, code)
    assert amounts(order.document)["due"] == 0
    processing.process(order.id)
    assert shop.state_of(order) == ("confirmed", "captured")
    assert shop.look("SELECT 1 FROM payments WHERE order_id = :id", id=order.id) == []
    assert left_on(card) == 8500
    shop.cancel(order)
    assert left_on(card) == 10_000


def test_a_card_must_be_named_only_where_something_is_due():
    _, code = a_gift_card(10_000)
    ref = with_codes(shop.a_cart({shop.a_variant(): 1}), code)
    order = shop.order_cart(ref, token=None)
    processing.process(order.id)
    assert shop.state_of(order) == ("confirmed", "captured")
    unpaid = shop.a_cart({shop.a_variant(): 1})
    before = shop.everything()
    with pytest.raises(Invalid) as refusal:
        shop.order_cart(unpaid, token=None)
    assert "payment" in refusal.value.errors and shop.everything() == before


def test_a_gift_card_pays_only_in_its_currency():
    card, code = a_gift_card(5000, "EUR")
    ref = with_codes(shop.a_cart({shop.a_variant(): 1}), code)
    assert [(c["code"], c["reason"]) for c in in_cart(ref)["coupons"]] == [(code[-4:], "not_in_this_currency")]
    shop.order_cart(ref)
    assert left_on(card) == 5000


# --- spent, given back, taken again ---------------------------------------------------------------------


def test_a_decline_gives_everything_back_and_paying_again_takes_it_again():
    offer = a_promotion(code="ONCE", total_limit=1)
    card, code = a_gift_card(500)
    order = bought({shop.a_variant(): 1}, "ONCE", code, token="tok_decline")
    assert (uses_of(offer), left_on(card)) == ((1, 1), 0)
    processing.process(order.id)
    assert shop.state_of(order) == ("payment_failed", "failed")
    assert (uses_of(offer), left_on(card)) == ((0, 0), 500)
    shop.pay_again(order)
    assert (uses_of(offer), left_on(card)) == ((1, 1), 0)
    shop.process_until_ended(order)
    assert shop.state_of(order) == ("confirmed", "captured")
    shop.cancel(order)
    shop.cancel(order)
    assert (uses_of(offer), left_on(card)) == ((0, 0), 500)
    assert len(shop.look("SELECT 1 FROM promotion_uses WHERE order_id = :id", id=order.id)) == 2


def test_who_pays_again_too_late_is_told_and_nothing_is_taken():
    offer = a_promotion(code="ONCE", total_limit=1)
    _card, code = a_gift_card(500)
    mug = shop.a_variant()
    late = bought({mug: 1}, "ONCE", code, token="tok_decline")
    processing.process(late.id)
    bought({mug: 1}, "ONCE")
    before = shop.everything()
    with pytest.raises(UsedUp):
        shop.pay_again(late)
    assert shop.everything() == before
    run_unit(lambda: managing.change(offer, {"total_limit": 2}))
    bought({mug: 1}, code)
    before = shop.everything()
    with pytest.raises(CreditSpent):
        shop.pay_again(late)
    assert shop.everything() == before


def test_an_order_that_is_refused_spends_nothing():
    offer = a_promotion(code="ONCE", total_limit=1)
    card, code = a_gift_card(500)
    ref = with_codes(shop.a_cart({shop.a_variant(stock=1): 2}), "ONCE", code)
    with pytest.raises(Exception, match=r".") as refusal:
        shop.order_cart(ref)
    assert refusal.value.code == "out_of_stock"
    assert (uses_of(offer), left_on(card)) == ((0, 0), 500)
