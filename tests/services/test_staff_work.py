"""Staff's work on orders: stages that tell what happened, holds from every state, replays, notes, finding, picking."""

import pytest

from quickshop.kernel import db
from quickshop.kernel.errors import NotFound
from quickshop.kernel.ids import new_id
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.orders import bulk, finding, holding, notes, packing, picking, processing, replaying, stages, verifying
from quickshop.orders.errors import NotFailed, NotHoldable, NotWaiting
from quickshop.orders.finding import Wanted, wanted_by_words
from quickshop.payments.gateways.port import Answer, AnswerState, unknown
from quickshop.security.fraud import Policy, Rule, Weight
from quickshop.shop import service as shop_settings
from quickshop.shop.rules import RISK, policy_document
from tests.factories import shop
from tests.factories.racing import together

pytestmark = pytest.mark.usefixtures("core", "gateway")


def passed(order):
    with reading():
        return stages.order_stages(order.number)["items"]


def told(order):
    return [(each["stage"], each["outcome"]) for each in passed(order)]


def present(order):
    with reading():
        return stages.order_stages(order.number)["present"]


def hold(order):
    return run_unit(lambda: holding.hold(order.number, None))


def release(order):
    return run_unit(lambda: holding.release(order.number, None))


def replay(order):
    return run_unit(lambda: replaying.replay(order.id, None))


def failed():
    with reading():
        return stages.failed()["items"]


def hold_every_order():
    rules = {rule: Weight(0, 1, 1, on=False) for rule in Rule} | {Rule.COUNTRIES: Weight(50, 1, 1)}
    run_unit(lambda: shop_settings.set_value(RISK, policy_document(Policy(rules, 10, 20))))
    return {"billing_address": {**shop.ADDRESS, "country": "US", "region": "NY", "postal_code": "10001"}}


# --- stages --------------------------------------------------------------------------------------------


def test_an_order_leaves_a_row_for_each_stage_it_passed():
    order = shop.an_order()
    waiting = present(order)
    assert (waiting["stage"], waiting["reason"], waiting["attempts"]) == ("authorize", "for_a_worker", 0)
    processing.process(order.id)
    assert told(order) == [("authorize", "passed"), ("capture", "passed")]
    assert [each["attempts"] for each in passed(order)] == [1, 1]
    for each in passed(order):
        assert each["entered_at"] <= each["started_at"] <= each["ended_at"]
    assert passed(order)[0]["ended_at"] <= passed(order)[1]["entered_at"]
    assert present(order) is None


def test_an_order_costs_no_statement_more_for_its_stages():
    order, seen = shop.an_order(), []
    db.watchers.append(seen.append)
    processing.process(order.id)
    db.watchers.remove(seen.append)
    of_stages = [sql for sql in seen if "order_stages" in sql]
    assert len(of_stages) == 2
    assert all("UPDATE order_processing" in sql and "INSERT INTO outbox" in sql for sql in of_stages)


def test_each_try_that_came_to_nothing_is_told_with_its_error(gateway):
    busy = Answer(AnswerState.UNKNOWN, code="busy", retriable=True)
    gateway.queue("authorize", RuntimeError("secret detail"), busy)
    order = shop.an_order()
    processing.process(order.id)
    waiting = present(order)
    assert (waiting["reason"], waiting["error_class"], waiting["attempts"]) == ("next_try", "RuntimeError", 1)
    assert waiting["next_try_at"] > waiting["since"]
    shop.come_due(order)
    shop.process_until_ended(order)
    assert shop.state_of(order)[0] == "confirmed"
    first = passed(order)[0]
    assert [each["error_class"] for each in first["retries"]] == ["RuntimeError", "payment_unknown"]
    assert first["attempts"] == 3
    assert "secret" not in str(passed(order))


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (shop.a_declined_order, [("authorize", "refused")]),
        (shop.an_order_on_hold, [("authorize", "gave_up")]),
        (lambda: cancelled(shop.an_order()), [("authorize", "cancelled")]),
        (lambda: cancelled(shop.a_confirmed_order()), [*[("authorize", "passed"), ("capture", "passed")]]),
    ],
    ids=["declined", "given up", "cancelled before", "cancelled after"],
)
def test_a_stage_tells_how_it_ended(make, expected):
    assert told(make()) == expected


def cancelled(order):
    shop.cancel(order)
    return order


def test_the_way_back_of_the_money_is_a_stage():
    order = cancelled(shop.a_confirmed_order())
    assert present(order)["stage"] == "refund"
    shop.process_until_ended(order)
    assert told(order)[-1] == ("refund", "passed")


def test_a_hold_because_of_risk_is_a_stage_with_its_reason():
    order = shop.an_order(**hold_every_order())
    processing.process(order.id)
    waiting = present(order)
    assert (waiting["stage"], waiting["reason"]) == ("hold", "fraud_review")
    run_unit(lambda: verifying.approve(order.number, None, None))
    processing.process(order.id)
    assert told(order) == [("authorize", "held"), ("hold", "released"), ("authorize", "passed"), ("capture", "passed")]
    assert passed(order)[1]["wait_reason"] == "fraud_review"


def test_what_waits_is_counted_by_class_stage_and_reason():
    shop.an_order(caller=shop.a_member(vip=True))
    ordinary = [shop.an_order() for _ in range(2)]
    shop.an_order_on_hold()
    with reading():
        found = {(s["priority"], s["stage"], s["reason"]): s["orders"] for s in stages.summary()}
        first = stages.waiting(priority="standard", stage="authorize", limit=1)
        second = stages.waiting(priority="standard", stage="authorize", limit=1, cursor=first["next_cursor"])
    assert found == {
        ("vip", "authorize", "for_a_worker"): 1,
        ("standard", "authorize", "for_a_worker"): 2,
        ("standard", "hold", "needs_review"): 1,
    }
    assert [page["items"][0]["number"] for page in (first, second)] == [order.number for order in ordinary]
    assert second["next_cursor"] is None


# --- hold and release --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "moment", ["placed", "waits for the provider", "asked for a challenge", "authorised", "confirmed"]
)
def test_an_order_held_in_any_state_stands_still_and_goes_on_from_there(gateway, moment):
    mug = shop.a_variant(stock=5)
    token = {"asked for a challenge": "tok_challenge", "waits for the provider": "tok_late"}.get(moment, "tok_approve")
    order = shop.an_order({mug: 2}, token=token)
    if moment == "authorised":
        gateway.queue("capture", unknown("read_timeout"))
    if moment != "placed":
        processing.process(order.id)
    was, action = shop.state_of(order), next_action(order)
    stock = shop.stock_of(mug)
    for _ in range(2):
        hold(order)
    assert shop.state_of(order) == ("on_hold", was[1])
    calls = len(gateway.calls)
    shop.come_due(order)
    processing.process(order.id)
    assert (len(gateway.calls), shop.stock_of(mug)) == (calls, stock)
    assert (present(order)["stage"], present(order)["reason"]) == ("hold", "staff")
    release(order)
    assert shop.state_of(order) == ("placed" if moment == "placed" else was[0], was[1])
    assert next_action(order) == action
    gateway.settle(AnswerState.AUTHORIZED)
    shop.process_until_ended(order)
    assert shop.state_of(order) == ("confirmed", "captured")
    assert shop.stock_of(mug) == (3, 0)
    (charge,) = gateway.charges.values()
    assert charge.captured == order.total
    assert shop.log_of(order).count("order.on_hold") == shop.log_of(order).count("order.released") == 1
    assert ("hold", "released") in told(order)


def next_action(order):
    return shop.look("SELECT next_action FROM orders WHERE id = :id", id=order.id)[0].next_action


def test_a_worker_in_the_middle_of_a_call_changes_nothing_of_a_held_order(gateway):
    order = shop.an_order()

    def held_meanwhile(verb):
        if verb == "authorize":
            gateway.before = lambda verb: None
            hold(order)

    gateway.before = held_meanwhile
    processing.process(order.id)
    assert shop.state_of(order) == ("on_hold", "pending")
    release(order)
    processing.process(order.id)
    assert shop.state_of(order) == ("confirmed", "captured")
    assert len(gateway.charges) == 1


@pytest.mark.parametrize("other", ["process", "cancel", "pack", "release", "refund"])
def test_a_hold_and_something_else_at_once_leave_one_order_and_one_charge(core, gateway, other):
    mug = shop.a_variant(stock=5)
    order = shop.an_order({mug: 2}) if other in ("process", "cancel") else shop.a_confirmed_order(items={mug: 2})
    acts = {
        "process": lambda: processing.process(order.id),
        "cancel": lambda: shop.cancel(order),
        "pack": lambda: run_unit(lambda: packing.pack(order.number, None, None)),
        "release": lambda: release(order),
        "refund": lambda: shop.refund(order, 300),
    }
    together(core, lambda: hold(order), acts[other])
    if shop.state_of(order)[0] == "on_hold":
        release(order)
    shop.process_until_ended(order)
    gone = shop.state_of(order)[0] == "cancelled"
    assert gone == (other == "cancel")
    assert shop.stock_of(mug) == ((5, 0) if gone else (3, 0))
    assert len(gateway.charges) <= 1
    kept = sum(charge.captured - charge.refunded for charge in gateway.charges.values())
    assert kept == (0 if gone else order.total - (300 if other == "refund" else 0))
    assert present(order) is None


def test_an_order_held_before_it_was_looked_at_is_looked_at_afterwards():
    order = shop.an_order(**hold_every_order())
    hold(order)
    release(order)
    processing.process(order.id)
    assert shop.look("SELECT hold_reason FROM orders WHERE id = :id", id=order.id)[0].hold_reason == "fraud_review"


def test_refunds_go_on_while_an_order_is_held(gateway):
    order = shop.a_confirmed_order()
    shop.refund(order, 300)
    hold(order)
    shop.process_until_ended(order)
    assert shop.state_of(order) == ("on_hold", "partially_refunded")
    release(order)
    assert shop.state_of(order) == ("confirmed", "partially_refunded")


def test_a_held_order_can_be_cancelled_and_gives_everything_back(gateway):
    mug = shop.a_variant(stock=5)
    order = shop.an_order({mug: 2})
    gateway.queue("capture", unknown("read_timeout"))
    processing.process(order.id)
    hold(order)
    shop.cancel(order)
    shop.process_until_ended(order)
    assert shop.state_of(order)[0] == "cancelled"
    assert shop.stock_of(mug) == (5, 0)
    assert all(charge.captured == charge.refunded for charge in gateway.charges.values())
    assert ("hold", "cancelled") in told(order)


@pytest.mark.parametrize("make", [shop.a_declined_order, lambda: cancelled(shop.an_order()), shop.an_order_on_hold])
def test_what_cannot_be_held_or_released_is_refused(make):
    order = make()
    before = shop.everything()
    with pytest.raises(NotHoldable):
        hold(order)
    with pytest.raises(NotWaiting):
        release(order)
    assert shop.everything() == before


# --- replay --------------------------------------------------------------------------------------------


def test_an_order_that_was_given_up_goes_on_when_staff_try_again(gateway):
    order = shop.an_order_on_hold()
    (task,) = failed()
    assert (task["number"], task["stage"], task["reason"]) == (order.number, "authorize", "needs_review")
    assert (task["error_class"], task["id"]) == ("too_many_attempts", str(order.id))
    replay(order)
    assert failed() == []
    processing.process(order.id)
    assert shop.state_of(order) == ("confirmed", "captured")
    assert told(order)[:2] == [("authorize", "gave_up"), ("hold", "replayed")]
    with pytest.raises(NotFailed):
        replay(order)


@pytest.mark.parametrize("charged", [True, False], ids=["charged", "never seen"])
def test_a_payment_nobody_knew_of_is_never_charged_twice_by_a_replay(gateway, charged):
    order = shop.an_order(token="tok_timeout_charged" if charged else "tok_approve")
    gateway.queue("authorize", unknown("read_timeout"))
    gateway.queue("look_up", *[unknown("read_timeout")] * 20)
    processing.process(order.id)
    shop.grow_older(order, 1000)
    shop.process_until_ended(order)
    assert shop.state_of(order)[0] == "on_hold"
    breaks = "SELECT count(*) AS n FROM payment_breaks WHERE state = 'open'"
    assert shop.look(breaks)[0].n == 1
    gateway._queued.clear()
    replay(order)
    assert shop.look(breaks)[0].n == 0
    shop.process_until_ended(order)
    assert len({charge.key for charge in gateway.charges.values()}) <= 1
    assert shop.state_of(order)[0] in ("confirmed", "on_hold")


def test_money_that_could_not_be_undone_is_undone_by_a_replay(gateway):
    order = cancelled(shop.a_confirmed_order())
    run_unit(lambda: db.run("UPDATE order_processing SET attempt = 5 WHERE order_id = :id", id=order.id))
    processing.process(order.id)
    (task,) = failed()
    assert (task["stage"], task["reason"], task["status"]) == ("refund", "undo_failed", "cancelled")
    replay(order)
    shop.process_until_ended(order)
    assert shop.state_of(order) == ("cancelled", "refunded")
    assert failed() == []
    assert shop.look("SELECT count(*) AS n FROM payment_breaks WHERE state = 'open'")[0].n == 0


def test_what_waits_for_its_next_try_is_tried_at_once(gateway):
    gateway.queue("authorize", Answer(AnswerState.UNKNOWN, code="busy", retriable=True))
    order = shop.an_order()
    processing.process(order.id)
    processing.process(order.id)
    assert shop.state_of(order)[0] == "processing"
    replay(order)
    processing.process(order.id)
    assert shop.state_of(order)[0] == "confirmed"


def test_nobodys_task_is_not_there():
    with pytest.raises(NotFound):
        run_unit(lambda: replaying.replay(new_id(), None))


# --- notes -------------------------------------------------------------------------------------------------


def test_notes_are_kept_sealed_with_the_order_newest_first():
    order, author = shop.an_order(), shop.a_member().user_id
    for words in ("first", "Robin rang: second"):
        run_unit(lambda words=words: notes.add(order.number, words, author))
    with reading():
        found = notes.of_order(order.number)
    assert [note["body"] for note in found] == ["Robin rang: second", "first"]
    assert found[0]["author"].startswith("member")
    assert b"Robin" not in bytes(shop.look("SELECT body FROM order_notes ORDER BY at DESC")[0].body)
    with pytest.raises(NotFound):
        run_unit(lambda: notes.add("QS-1", "x", author))


# --- finding, bulk, picking ------------------------------------------------------------------------------


def numbers(**wanted):
    with reading():
        return [each["number"] for each in finding.find(Wanted(**wanted))["items"]]


def test_orders_are_found_by_number_customer_article_state_class_and_day():
    member, mug = shop.a_member(email="robin@quickshop.example"), shop.a_variant(sku="MUG-1")
    mine = shop.an_order({mug: 1}, caller=member)
    guests = shop.an_order(email="Robin@QuickShop.example")
    vip = shop.a_confirmed_order(caller=shop.a_member(vip=True))
    assert numbers(number=mine.number) == [mine.number]
    assert numbers(email="ROBIN@quickshop.example") == [guests.number, mine.number]
    assert numbers(email="nobody@quickshop.example") == []
    assert numbers(sku="MUG-1") == [mine.number]
    assert numbers(priority="vip") == numbers(status="confirmed") == numbers(payment_status="captured") == [vip.number]
    assert numbers(fulfilment_status="unfulfilled", priority="standard") == [guests.number, mine.number]
    day = shop.look("SELECT placed_at FROM orders LIMIT 1")[0].placed_at.date()
    assert len(numbers(placed_from=day, placed_to=day)) == 3
    assert numbers(placed_to=day.replace(year=2020)) == []


def test_one_field_takes_what_staff_type():
    assert wanted_by_words(" qs-100123 ", {}) == Wanted(number="QS-100123")
    assert wanted_by_words("100123", {"status": "placed"}) == Wanted(number="QS-100123", status="placed")
    assert wanted_by_words("a@b.example", {}) == Wanted(email="a@b.example")
    assert wanted_by_words("MUG-1", {}) == Wanted(sku="MUG-1")
    assert wanted_by_words(" ", {}) == Wanted()


def test_a_bulk_action_answers_for_each_order_and_stops_at_none():
    good, gone = shop.an_order(), cancelled(shop.an_order())
    rows = bulk.run("hold", [good.number, gone.number, "QS-1", good.number], None)
    assert [(row["number"], row["done"], row["code"]) for row in rows] == [
        (good.number, True, None),
        (gone.number, False, "not_holdable"),
        ("QS-1", False, "not_found"),
    ]
    assert shop.state_of(good)[0] == "on_hold"
    told = shop.look("SELECT action FROM audit_log WHERE target = :t", t=f"order:{good.number}")
    assert [entry.action for entry in told] == ["order.hold"]


def test_orders_are_packed_together_and_then_stand_on_no_pick_list():
    paid, unpaid = shop.a_confirmed_order(), shop.an_order()
    held = shop.a_confirmed_order()
    hold(held)
    rows = bulk.run("pack", [paid.number, unpaid.number, held.number], None)
    assert [row["done"] for row in rows] == [True, False, False]
    with reading():
        assert picking.pick_list()["orders"] == []


def test_the_pick_list_has_paid_orders_that_nobody_holds_most_urgent_first():
    mug, pen = shop.a_variant(sku="MUG"), shop.a_variant(sku="PEN", stock=100)
    ordinary = shop.a_confirmed_order(items={mug: 1, pen: 2})
    vip = shop.a_confirmed_order(items={pen: 3}, caller=shop.a_member(vip=True))
    held = shop.a_confirmed_order(items={pen: 4})
    hold(held)
    shop.an_order({pen: 5})
    with reading():
        found = picking.pick_list()
        of_one = picking.pick_list([ordinary.number, held.number])
    assert [order["number"] for order in found["orders"]] == [vip.number, ordinary.number]
    assert [(each["sku"], each["units"], each["orders"]) for each in found["articles"]] == [
        ("MUG", 1, 1),
        ("PEN", 5, 2),
    ]
    assert [order["number"] for order in of_one["orders"]] == [ordinary.number]


def test_spend_is_kept_by_currency_and_taken_off_again():
    member = shop.a_member()
    order = shop.a_confirmed_order(caller=member)
    spent = "SELECT spent FROM users WHERE id = :id"
    assert shop.look(spent, id=member.user_id)[0].spent == {"USD": order.total}
    shop.refund(order, 300)
    shop.process_until_ended(order)
    assert shop.look(spent, id=member.user_id)[0].spent == {"USD": order.total - 300}
    shop.cancel(order)
    assert shop.look(spent, id=member.user_id)[0].spent == {"USD": 0}
