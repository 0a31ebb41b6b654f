"""From paid to delivered: parcels, labels, what carriers say, and the promise of a day."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from quickshop.kernel import db
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.orders import estimates, packing, parcels, progress, queries, sending, tracking
from quickshop.orders.errors import NotCancellable, NotShippable
from quickshop.orders.viewers import Viewer
from quickshop.shipping import service as shipping
from quickshop.shipping.carriers import registry
from quickshop.shipping.carriers.port import Seen
from tests.factories.carriers import ScriptedCarrier
from tests.factories.shop import (
    a_confirmed_order,
    a_declined_order,
    a_variant,
    an_order,
    cancel,
    log_of,
    look,
    refund,
    state_of,
    stock_of,
)

pytestmark = pytest.mark.usefixtures("core", "gateway")


@pytest.fixture
def carrier(monkeypatch):
    scripted = ScriptedCarrier()
    monkeypatch.setattr(registry, "SimulatedCarrier", lambda *_: scripted)
    monkeypatch.setattr(registry, "_carriers", {})
    return scripted


def pack(order, lines=None):
    return run_unit(lambda: packing.pack(order.number, lines, None))


def ask(parcel_id, **how):
    run_unit(lambda: sending.ask(parcel_id, None, **how))


def sent(order, lines=None):
    """A parcel of the order that has left by hand."""
    parcel_id = pack(order, lines)
    ask(parcel_id, carrier="manual")
    return parcel_id


def say(parcel_id, state, code=None):
    run_unit(lambda: tracking.report(parcel_id, state, code, None))


def fulfilment(order):
    with reading():
        return queries.order_view(order.number, Viewer(staff=True))["fulfilment_status"]


def said(order):
    """The order's log."""
    with reading():
        return queries.order_events(order.number, Viewer(staff=True), 0)


types_of = log_of


def units(order):
    with reading():
        return [(p.packed, p.shipped, p.delivered) for p in progress.lines(order.id)]


def test_a_parcel_goes_from_packed_to_delivered_and_the_order_is_completed(carrier):
    order = a_confirmed_order(items={a_variant(stock=5): 2})
    parcel_id = pack(order)
    ask(parcel_id)
    assert fulfilment(order) == "unfulfilled"
    assert sending.send_due() == 1
    for state in ("in_transit", "out_for_delivery", "delivered"):
        carrier.say(parcel_id, state)
    assert tracking.read_carrier() == 3
    assert tracking.read_carrier() == 0
    assert (state_of(order)[0], fulfilment(order)) == ("completed", "delivered")
    assert types_of(order)[-5:] == [
        "order.packed",
        "order.shipped",
        "order.out_for_delivery",
        "order.delivered",
        "order.completed",
    ]
    with reading():
        [told] = parcels.parcels_of(order.id)
        assert sending.label_of(parcel_id).startswith(b"%PDF-")
    assert (told["tracking_number"], told["state"]) == ("TRACK000001", "delivered")
    assert [event["state"] for event in told["events"]] == ["out_for_delivery", "delivered"]
    assert units(order) == [(2, 2, 2)]


@pytest.mark.parametrize("silences", [1, 3])
def test_a_carrier_that_does_not_answer_is_asked_again_and_books_once(carrier, silences):
    order = a_confirmed_order()
    parcel_id = pack(order)
    ask(parcel_id)
    carrier.silent = silences
    for _ in range(silences):
        assert sending.send_due() == 0
        assert sending.send_due() == 0  # not before its pause is over
        run_unit(lambda: db.run("UPDATE parcels SET send_at = now()"))
    assert sending.send_due() == 1
    assert (len(carrier.calls), len(carrier.booked)) == (silences + 1, 1)
    assert look("SELECT send_at, last_error FROM parcels")[0] == (None, None)
    assert types_of(order).count("order.shipped") == 1


def test_asking_twice_and_working_twice_sends_once(carrier):
    order = a_confirmed_order()
    parcel_id = pack(order)
    ask(parcel_id)
    ask(parcel_id)
    assert sending.send_due() == 1
    ask(parcel_id)
    assert sending.send_due() == 0
    assert types_of(order).count("order.shipped") == 1


def test_parts_of_an_order_leave_one_by_one():
    order = a_confirmed_order(items={a_variant(price=100): 3, a_variant(price=200): 1})
    first = sent(order, {1: 2})
    assert fulfilment(order) == "partially_shipped"
    with pytest.raises(Invalid):
        pack(order, {1: 2})
    second = sent(order)
    assert fulfilment(order) == "shipped"
    say(first, "out_for_delivery")
    assert fulfilment(order) == "shipped"
    say(second, "out_for_delivery")
    assert fulfilment(order) == "out_for_delivery"
    say(second, "delivered")
    assert (fulfilment(order), state_of(order)[0]) == ("out_for_delivery", "confirmed")
    say(first, "delivered")
    assert (fulfilment(order), state_of(order)[0]) == ("delivered", "completed")
    wholes = [e["data"]["whole"] for e in said(order) if e["type"] in ("order.shipped", "order.delivered")]
    assert wholes == [False, True, False, True]
    with pytest.raises(NotShippable):
        pack(order)


@pytest.mark.parametrize("make", [an_order, a_declined_order])
def test_what_is_not_paid_is_not_packed(make):
    order = make()
    with pytest.raises(NotShippable):
        pack(order)
    assert look("SELECT 1 FROM parcels") == []


def test_an_order_that_is_packed_is_not_cancelled_until_it_is_unpacked():
    order = a_confirmed_order()
    parcel_id = pack(order)
    with pytest.raises(NotCancellable):
        cancel(order)
    for _ in range(2):
        run_unit(lambda: packing.unpack(parcel_id, None))
    cancel(order)
    assert state_of(order)[0] == "cancelled"
    with pytest.raises(NotShippable):
        pack(order)
    with pytest.raises(NotShippable):
        ask(parcel_id)


def test_what_has_left_is_not_unpacked():
    parcel_id = sent(a_confirmed_order())
    with pytest.raises(NotShippable):
        run_unit(lambda: packing.unpack(parcel_id, None))


def test_what_a_carrier_says_twice_late_or_in_another_order_counts_once(carrier):
    order = a_confirmed_order()
    parcel_id = pack(order)
    ask(parcel_id)
    sending.send_due()
    now = datetime.now(UTC)
    delivered = Seen("3", str(parcel_id), "delivered", now)
    late = Seen("2", str(parcel_id), "out_for_delivery", now - timedelta(hours=1))
    for seen in (delivered, late, delivered, late):
        run_unit(lambda seen=seen: tracking.record(parcel_id, seen))
    assert (fulfilment(order), types_of(order).count("order.delivered")) == ("delivered", 1)
    assert "order.out_for_delivery" not in types_of(order)
    assert len(look("SELECT 1 FROM parcel_events")) == 2


def test_a_carrier_that_collects_before_we_say_so_has_it(carrier):
    order = a_confirmed_order()
    parcel_id = pack(order)
    carrier.say(parcel_id, "delivered")
    carrier.say(UUID(int=7), "delivered")  # of somebody else
    assert tracking.read_carrier() == 2
    assert types_of(order)[-3:] == ["order.shipped", "order.delivered", "order.completed"]


def test_trouble_on_the_way_moves_the_promised_day_and_is_told_once():
    order = a_confirmed_order()
    parcel_id = sent(order)
    before = look("SELECT coalesce(expected_to, deliver_to) AS day FROM orders")[0].day
    say(parcel_id, "exception", "address_unclear")
    after = look("SELECT coalesce(expected_to, deliver_to) AS day FROM orders")[0].day
    assert after > before
    [delay] = [e["data"] for e in said(order) if e["type"] == "order.delivery_delayed"]
    assert (delay["to"], delay["before"]) == (after.isoformat(), before.isoformat())
    say(parcel_id, "out_for_delivery")
    assert fulfilment(order) == "out_for_delivery"
    assert types_of(order).count("order.delivery_delayed") == 1


def test_a_lost_parcel_is_packed_again_or_refunded():
    mug = a_variant(stock=5)
    order = a_confirmed_order(items={mug: 2})
    say(sent(order), "lost")
    assert (fulfilment(order), units(order)) == ("unfulfilled", [(0, 0, 0)])
    again = sent(order)
    say(again, "delivered")
    assert state_of(order)[0] == "completed"
    assert stock_of(mug)[0] == 3  # the lost ones are gone; staff correct stock where more left the house
    refund(order, 100)


def test_an_order_that_waits_too_long_is_promised_another_day_once(later):
    order = a_confirmed_order()
    assert estimates.tell_delays() == 0
    later(days=20)
    assert estimates.tell_delays() == 1
    assert estimates.tell_delays() == 0
    assert types_of(order)[-1] == "order.delivery_delayed"


def test_a_longer_queue_moves_what_is_not_packed():
    run_unit(
        lambda: shipping.set_shop_day(
            timezone="UTC",
            cut_off=datetime(2026, 1, 1, 14).time(),
            handling_days=0,
            working_days=[1, 2, 3, 4, 5],
            orders_per_day=10,
            home_country="US",
        )
    )
    order = a_confirmed_order()
    run_unit(lambda: shipping.note_waiting(100))
    assert estimates.tell_delays() == 1
    assert types_of(order)[-1] == "order.delivery_delayed"


def test_a_parcel_to_be_fetched_waits_for_its_shopper():
    order = a_confirmed_order()
    parcel_id = pack(order)
    ask(parcel_id, carrier="pickup")
    assert fulfilment(order) == "out_for_delivery"
    say(parcel_id, "delivered")
    assert state_of(order)[0] == "completed"


def test_numbers_and_labels_stand_sealed_and_go_with_their_person(carrier):
    order = a_confirmed_order()
    parcel_id = pack(order)
    ask(parcel_id, number="BY-HAND-1")
    with reading():
        assert parcels.parcel(parcel_id)["tracking_number"] == "BY-HAND-1"
    assert b"BY-HAND" not in bytes(look("SELECT tracking FROM parcels")[0].tracking)
    run_unit(lambda: db.run("UPDATE persons SET wrapped_key = NULL, erased_at = now()"))
    with reading():
        assert parcels.parcel(parcel_id)["tracking_number"] is None
    with pytest.raises(NotFound):
        sending.label_of(parcel_id)
