"""Returns: units come back once, stock and money follow, and what cannot be is refused without a trace."""

import pytest

from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.states import WrongState
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders import processing
from quickshop.orders.errors import NotCancellable, NotRefundable
from quickshop.orders.viewers import Viewer
from quickshop.returns import cancellations, queries
from quickshop.returns.errors import NothingCame, NotReturnable, PhotoMissing
from quickshop.shop import service as shop_settings
from quickshop.shop.returning import DEFAULTS
from tests.factories.returns import (
    STAFF,
    a_delivered_order,
    a_received_return,
    approve,
    ask,
    ask_to_cancel,
    deliver,
    exchange,
    pack,
    progress_of,
    receive,
    reject,
    return_row,
    run_refunds,
    settle,
    withdraw,
)
from tests.factories.shop import (
    a_confirmed_order,
    a_member,
    a_variant,
    an_order,
    everything,
    log_of,
    look,
    refund,
    state_of,
    stock_of,
)

pytestmark = pytest.mark.usefixtures("core", "gateway")


def counters(order):
    row = progress_of(order)
    return row.delivered, row.announced, row.returned


def fulfilment(order):
    return look("SELECT fulfilment_status FROM orders WHERE id = :id", id=order.id)[0].fulfilment_status


def movements(variant, cause):
    found = look("SELECT delta FROM stock_movements WHERE variant_id = :v AND cause = :c", v=variant, c=cause)
    return sorted(row.delta for row in found)


# --- the whole way -------------------------------------------------------------------------------------


def test_a_return_goes_its_whole_way_and_units_money_stock_and_log_agree(gateway):
    mug = a_variant(price=1000, stock=5)
    order = a_delivered_order({mug: 3})
    made = ask(order, 2)
    assert (return_row(made).state, counters(order)) == ("requested", (3, 2, 0))
    approve(made)
    receive(made, 2)
    assert (counters(order), fulfilment(order), stock_of(mug)) == ((3, 0, 2), "partially_returned", (4, 0))
    given = settle(made)
    run_refunds(order)
    assert given.amount_minor == 2000
    assert (gateway.refunded(), state_of(order)) == (2000, ("completed", "partially_refunded"))
    assert return_row(made).state == "refunded"
    assert [t for t in log_of(order) if "return" in t] == [
        "order.return_requested",
        "order.return_approved",
        "order.return_received",
        "order.return_refunded",
    ]
    a_received_return(order, 1)
    assert fulfilment(order) == "returned"


def test_what_cannot_be_sold_again_comes_and_goes_as_damaged():
    mug = a_variant(stock=5)
    order = a_delivered_order({mug: 3})
    made = ask(order, 3, reason="damaged")
    approve(made)
    receive(made, 3, restocked=1)
    assert (stock_of(mug), movements(mug, "returned"), movements(mug, "damaged")) == ((3, 0), [1, 2], [-2])
    assert look("SELECT sum(delta) AS s FROM stock_movements WHERE variant_id = :v", v=mug)[0].s == 3


def test_what_did_not_come_can_be_announced_again():
    order = a_delivered_order({a_variant(stock=5): 3})
    made = ask(order, 3)
    approve(made)
    receive(made, 1)
    assert counters(order) == (3, 0, 1)
    ask(order, 2)
    assert counters(order) == (3, 2, 1)


def test_units_share_the_price_of_their_line_to_the_last_penny(gateway):
    mug = a_variant(price=333, stock=5)
    order = a_delivered_order({mug: 3})
    amounts = [settle(a_received_return(order)).amount_minor for _ in range(3)]
    assert sum(amounts) == 999
    run_refunds(order)
    assert gateway.refunded() == 999


def test_staff_may_give_less_for_a_line_and_shipping_with_it():
    order = a_delivered_order({a_variant(price=1000, stock=5): 2})
    given = settle(a_received_return(order, 2), amounts={1: 1500}, shipping_minor=500)
    assert given.amount_minor == 2000
    row = look("SELECT * FROM refunds WHERE order_id = :id", id=order.id)[0]
    assert (row.cause, row.shipping_minor) == ("return", 500)


@pytest.mark.parametrize(
    ("units", "reason", "shipping"), [(2, "faulty", 500), (2, "changed_mind", 0), (1, "faulty", 0)]
)
def test_shipping_goes_back_where_all_of_it_comes_back_for_the_shops_fault(units, reason, shipping):
    order = a_delivered_order({a_variant(price=1000, stock=5): 2})
    given = settle(a_received_return(order, units, reason=reason))
    assert given.amount_minor == 1000 * units + shipping


def test_store_credit_is_there_at_once_and_the_card_gets_nothing(gateway):
    member = a_member()
    order = a_delivered_order({a_variant(price=1000, stock=5): 1}, caller=member)
    viewer = Viewer(user_id=member.user_id)
    settle(a_received_return(order, resolution="credit", viewer=viewer))
    credit = look("SELECT balance_minor FROM credits WHERE user_id = :u AND kind = 'store_credit'", u=member.user_id)
    assert ([row.balance_minor for row in credit], gateway.refunded()) == ([1000], 0)


def test_another_one_is_sent_at_no_charge_and_confirmed_without_a_card(gateway):
    mug = a_variant(price=1000, stock=5)
    order = a_delivered_order({mug: 2})
    number = exchange(a_received_return(order, 2, reason="faulty", resolution="exchange"))
    new = look("SELECT * FROM orders WHERE number = :n", n=number)[0]
    assert (new.total_minor, new.person_id) == (
        0,
        look("SELECT person_id FROM orders WHERE id = :i", i=order.id)[0].person_id,
    )
    processing.process(new.id)
    assert look("SELECT status FROM orders WHERE id = :i", i=new.id)[0].status == "confirmed"
    assert stock_of(mug) == (3, 0)
    assert log_of(order)[-1] == "order.exchanged"
    assert gateway.captured() == order.total


def test_the_shop_approves_by_itself_where_staff_say_so():
    run_unit(lambda: shop_settings.set_value("returns", DEFAULTS | {"approve_by_itself": True}))
    order = a_delivered_order({a_variant(stock=5): 1})
    assert return_row(ask(order)).state == "approved"


# --- what is refused -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "days", "allowed"),
    [("changed_mind", 29, True), ("changed_mind", 31, False), ("faulty", 31, True), ("faulty", 181, False)],
)
def test_the_window_counts_from_the_delivery_and_is_longer_for_faults(reason, days, allowed):
    order = a_delivered_order({a_variant(stock=5): 1}, days_ago=days)
    if allowed:
        ask(order, reason=reason)
        return
    before = everything()
    with pytest.raises(NotReturnable) as refusal:
        ask(order, reason=reason)
    assert refusal.value.extra["lines"][0]["reason"] == "too_late"
    assert everything() == before


def test_nothing_comes_back_that_was_not_delivered():
    order = deliver(a_confirmed_order(items={a_variant(stock=5): 3}), units={1: 1})
    before = everything()
    with pytest.raises(NotReturnable):
        ask(order, 2)
    for undelivered in (a_confirmed_order(), an_order()):
        with pytest.raises(NotReturnable):
            ask(undelivered)
    assert [t for t, n in everything().items() if n != before[t] and t.startswith("return")] == []
    ask(order, 1)


def test_a_unit_is_announced_once_and_free_again_when_the_wish_is_taken_back_or_refused():
    order = a_delivered_order({a_variant(stock=5): 2})
    made = ask(order, 2)
    with pytest.raises(NotReturnable):
        ask(order, 1)
    withdraw(order)
    withdraw(order)
    assert counters(order) == (2, 0, 0)
    made = ask(order, 2)
    reject(made)
    assert (counters(order), return_row(made).state) == ((2, 0, 0), "rejected")


@pytest.mark.parametrize(
    ("wish", "error"),
    [
        ({"line": 2}, Invalid),
        ({"resolution": "credit"}, Invalid),  # a guest
        ({"viewer": Viewer()}, NotFound),
        ({"units": 9}, NotReturnable),
    ],
)
def test_a_wish_that_cannot_be_leaves_nothing(wish, error):
    order = a_delivered_order({a_variant(stock=9): 2})
    before = everything()
    with pytest.raises(error):
        ask(order, **wish)
    assert everything() == before


def test_an_exchange_is_for_the_same_product_only():
    order = a_delivered_order({a_variant(stock=5): 1})
    with pytest.raises(Invalid):
        ask(order, resolution="exchange", wanted=a_variant(stock=5))


@pytest.mark.parametrize("verb", [approve, receive, settle, exchange])
def test_no_step_follows_a_refused_return(verb):
    order = a_delivered_order({a_variant(stock=5): 1})
    made = ask(order, resolution="exchange")
    reject(made)
    before = everything()
    with pytest.raises(WrongState):
        verb(made)
    assert everything() == before


def test_received_twice_and_refunded_twice_is_refused():
    mug = a_variant(stock=5)
    order = a_delivered_order({mug: 2})
    made = a_received_return(order, 2)
    with pytest.raises(WrongState):
        receive(made, 2)
    settle(made)
    before = everything()
    with pytest.raises(WrongState):
        settle(made)
    assert (everything(), stock_of(mug)) == (before, (5, 0))


def test_money_that_went_back_already_does_not_go_back_again():
    order = a_delivered_order({a_variant(price=1000, stock=5): 1})
    made = a_received_return(order)
    refund(order, order.total)
    before = everything()
    with pytest.raises((NotRefundable, Invalid)):
        settle(made)
    assert everything() == before
    reject(made, "Your money went back before.")


def test_more_cannot_arrive_than_was_announced():
    order = a_delivered_order({a_variant(stock=5): 2})
    made = ask(order, 1)
    approve(made)
    for received, restocked in ((2, 2), (1, 2)):
        with pytest.raises(Invalid):
            receive(made, received, restocked)
    receive(made, 0)
    with pytest.raises(NothingCame):
        settle(made)


def test_where_the_shop_wants_to_see_what_is_broken_a_picture_comes_first():
    run_unit(lambda: shop_settings.set_value("returns", DEFAULTS | {"photo_for_faults": True}))
    order = a_delivered_order({a_variant(stock=5): 2})
    with pytest.raises(PhotoMissing):
        approve(ask(order, reason="damaged"))
    approve(ask(order))


# --- cancelling ----------------------------------------------------------------------------------------


def test_nothing_is_asked_while_nothing_is_packed():
    order = a_confirmed_order()
    assert ask_to_cancel(order) is None
    assert state_of(order)[0] == "cancelled"


def test_a_packed_order_is_cancelled_by_agreement_and_stock_and_money_come_back(gateway):
    mug = a_variant(stock=5)
    order = pack(a_confirmed_order(items={mug: 2}))
    asked = ask_to_cancel(order)
    assert (ask_to_cancel(order), state_of(order)[0]) == (asked, "confirmed")
    for _ in range(2):
        run_unit(lambda: cancellations.grant(asked, None, None))
    run_refunds(order)
    assert (state_of(order), stock_of(mug), gateway.refunded()) == (("cancelled", "refunded"), (5, 0), order.total)


def test_a_refused_wish_leaves_the_order_and_can_be_asked_again():
    order = pack(a_confirmed_order())
    asked = ask_to_cancel(order)
    run_unit(lambda: cancellations.refuse(asked, "It is on the van.", None, None))
    assert state_of(order)[0] == "confirmed"
    assert run_unit(lambda: cancellations.latest(order.number, STAFF))["answer"] == "It is on the van."
    with pytest.raises(WrongState):
        run_unit(lambda: cancellations.grant(asked, None, None))
    assert ask_to_cancel(order) != asked


def test_what_has_left_is_not_cancelled():
    order = a_delivered_order()
    with pytest.raises(NotCancellable):
        ask_to_cancel(order)


# --- what is shown -------------------------------------------------------------------------------------


def test_a_return_is_shown_to_its_shopper_with_their_own_words_and_to_nobody_else():
    member, other = a_member(), a_member()
    order = a_delivered_order({a_variant(stock=5): 2}, caller=member)
    who = Viewer(user_id=member.user_id)
    ask(order, viewer=who, note="The handle is loose.")
    (shown,) = queries.returns_of(order.number, who)
    assert (shown["note"], shown["lines"][0]["quantity"]) == ("The handle is loose.", 1)
    (left,) = queries.returnable(order.number, who)
    assert (left["line"], left["quantity"]) == (1, 1)
    for read in (queries.returns_of, queries.returnable):
        with pytest.raises(NotFound):
            read(order.number, Viewer(user_id=other.user_id))
    kept = look("SELECT note FROM returns")[0].note
    assert b"handle" not in bytes(kept)
