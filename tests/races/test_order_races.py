"""Orders under rivals: one cart one order, one payment one charge, however many try at once."""

from quickshop.accounts.callers import ANONYMOUS
from quickshop.cart import service as carts
from quickshop.checkout.service import place_order
from quickshop.kernel import db
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders import processing
from quickshop.orders.errors import NotPayable, ReferenceUsed
from tests.factories.racing import Beside, Gate, together
from tests.factories.shop import (
    a_cart,
    a_declined_order,
    a_member,
    a_variant,
    a_wish,
    an_order,
    log_of,
    look,
    pay_again,
    process_until_ended,
    state_of,
    stock_of,
    work_of,
)


def placing(ref, caller=ANONYMOUS, **wish):
    asked = a_wish(ref, **wish)
    return lambda: run_unit(lambda: place_order(caller, ref, asked))


def test_twenty_clicks_on_one_cart_make_one_order(core):
    mug = a_variant(stock=50)
    ref = a_cart({mug: 2})
    outcomes = together(core, *[placing(ref, email="a@b.example")] * 20)
    assert len({o["number"] for o in outcomes}) == 1
    assert stock_of(mug) == (50, 2)
    assert look("SELECT count(*) AS n FROM orders")[0].n == 1


def test_one_reference_makes_one_order_from_many_carts(core):
    mug = a_variant(stock=50)
    buyers = [placing(a_cart({mug: 1}), email="a@b.example", client_reference="invoice-1") for _ in range(12)]
    outcomes = together(core, *buyers)
    assert sum(isinstance(o, dict) for o in outcomes) == 1
    assert {type(o) for o in outcomes if not isinstance(o, dict)} == {ReferenceUsed}
    assert stock_of(mug) == (50, 1)


def test_an_item_added_while_its_cart_is_ordered_is_in_the_order_or_refused(core):
    mug, tray = a_variant(price=1000), a_variant(price=0)
    for _ in range(10):
        ref = a_cart({mug: 1})
        outcomes = together(core, placing(ref), lambda ref=ref: run_unit(lambda: carts.add_item(ref, tray, 1)))
        order = outcomes[0]
        assert isinstance(order, dict), outcomes
        assert len(order["items"]) == (2 if outcomes[1] is None else 1)


def test_a_member_who_fills_a_first_cart_from_two_pages_has_one_cart(core):
    member = a_member()
    refs = together(core, *[lambda: run_unit(lambda: carts.start_cart(member))] * 8)
    assert len({ref.id for ref in refs}) == 1


def test_an_order_processed_by_ten_at_once_is_charged_once(core, gateway):
    mug = a_variant(stock=5)
    order = an_order({mug: 1})
    assert together(core, *[lambda: processing.process(order.id)] * 10) == [None] * 10
    assert state_of(order) == ("confirmed", "captured")
    assert log_of(order) == ["order.placed", "order.processing", "order.payment_authorized", "order.confirmed"]
    assert [verb for verb, _ in gateway.calls] == ["authorize", "capture"]
    assert stock_of(mug) == (4, 0)


def test_two_workers_of_which_one_froze_charge_once(core, gateway):
    """The frozen one wakes after its lease has run out and another has finished."""
    order = an_order()
    gate = Gate()
    gateway.before = gate.passing
    frozen = Beside(core, lambda: processing.process(order.id))
    gate.reached()
    gateway.before = lambda verb: None
    run_unit(lambda: db.run("UPDATE order_processing SET lease_until = now() - interval '1 s'"))
    processing.process(order.id)
    ended = work_of(order)
    gate.open()
    frozen.result()
    assert work_of(order) == ended
    assert state_of(order) == ("confirmed", "captured")
    assert (len(gateway.charges), gateway.captured()) == (1, order.total)
    assert len(log_of(order)) == 4


def test_two_who_pay_again_at_once_start_one_round(core, gateway):
    mug = a_variant(stock=2)
    order = a_declined_order(items={mug: 2})
    outcomes = together(core, *[lambda: pay_again(order)] * 6)
    assert sum(o == order.id for o in outcomes) == 1
    assert {type(o) for o in outcomes if o != order.id} == {NotPayable}
    assert stock_of(mug) == (2, 2)
    process_until_ended(order)
    assert gateway.captured() == order.total
    assert log_of(order).count("order.payment_retried") == 1


def test_a_member_with_many_orders_at_once_has_a_log_without_gaps(core, gateway):
    member = a_member()
    orders = [an_order(caller=member) for _ in range(15)]
    together(core, *[lambda order=order: processing.process(order.id) for order in orders])
    assert {state_of(order) for order in orders} == {("confirmed", "captured")}
    entries = look("SELECT seq FROM account_events WHERE user_id = :id ORDER BY seq", id=member.user_id)
    assert [e.seq for e in entries] == list(range(1, 15 * 4 + 1))
    counted = look("SELECT order_count, spent_minor, event_seq FROM users WHERE id = :id", id=member.user_id)[0]
    assert tuple(counted) == (15, sum(order.total for order in orders), 60)
    frames = [f for r in look("SELECT frames FROM outbox ORDER BY id") for f in r.frames]
    mine = [f["seq"] for f in frames if f["topic"] == f"account:{member.user_id}"]
    assert sorted(mine) == list(range(1, 61))


def test_a_webhook_while_the_order_is_worked_on_is_not_lost(core, gateway):
    """It wakes a step whose owner is about to put it to sleep: the order is looked at again soon in any case."""
    order = an_order(token="tok_late")
    gateway.before = lambda verb: together(core, lambda: run_unit(lambda: processing.wake(order.id)))
    processing.process(order.id)
    due = look("SELECT extract(epoch FROM next_run_at - now())::float AS s, lease_token FROM order_processing")[0]
    assert due.lease_token is None
    assert due.s <= 1.0
