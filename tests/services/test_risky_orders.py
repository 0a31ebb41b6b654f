"""Risky orders: scored before anything is authorised, held with their stock, decided once, and given up in time."""

import itertools
from functools import partial

import pytest

from quickshop.extensions import settings
from quickshop.kernel import db
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.orders import processing, risks, signals, verifying
from quickshop.orders.errors import NotWaiting
from quickshop.orders.viewers import Viewer
from quickshop.payments.gateways.port import unknown
from quickshop.security.fraud import Policy, Rule, Weight
from quickshop.shop import service as shop_settings
from quickshop.shop.errors import SettingChanged
from quickshop.shop.queries import setting
from quickshop.shop.rules import HIGH_VALUE, RISK, VIP_SPEND, policy_document
from tests.factories import shop
from tests.factories.racing import together

_numbers = itertools.count(1)
OWNER = Viewer(staff=True)


def set_rules(confirm_from=10, review_from=100, **weights):
    """Only these rules are on, by their names in lower case: points, limit, minutes."""
    found = {rule: Weight(0, 1, 1, on=False) for rule in Rule}
    found |= {Rule[name.upper()]: Weight(*weight) for name, weight in weights.items()}
    document = policy_document(Policy(found, confirm_from, review_from))
    run_unit(lambda: shop_settings.set_value(RISK, document))


def process(order):
    processing.process(order.id)
    return shop.state_of(order)[0]


def stock_of(variant):
    with reading():
        return db.row(
            "SELECT on_hand, coalesce((SELECT sum(l.quantity) FROM stock_hold_lines l"
            " JOIN stock_holds h ON h.id = l.hold_id"
            " WHERE l.variant_id = s.variant_id AND h.state = 'live'), 0)::int AS held"
            " FROM stock_items s WHERE variant_id = :id",
            id=variant,
        )


def a_held_order(reason="confirm", **more):
    """An order on hold for the shopper's word, or for `review` by staff."""
    set_rules(confirm_from=10, review_from=100 if reason == "confirm" else 10, account=(10, 1, 60))
    member = shop.a_member()
    shop.an_order(caller=member)
    order = shop.an_order(caller=member, **more)
    assert process(order) == "on_hold"
    return order


def outcome(order):
    with reading():
        return risks.order_risk(order.number)


def hold_reason(order):
    return shop.look("SELECT hold_reason FROM orders WHERE id = :id", id=order.id)[0].hold_reason


def pass_time(order):
    run_unit(
        lambda: db.run(
            "UPDATE order_risks SET expires_at = now() - interval '1 second' WHERE order_id = :id", id=order.id
        )
    )


def audit_of(order):
    return [
        row.action
        for row in shop.look("SELECT action FROM audit_log WHERE target = :t ORDER BY seq", t=f"order:{order.number}")
    ]


@pytest.mark.parametrize("rule", ["account", "card", "address", "device"])
def test_more_than_the_usual_of_an_account_a_card_an_address_or_a_device_is_held(core, gateway, rule):
    set_rules(**{rule: (10, 2, 60)})
    who = {"account": {"caller": shop.a_member()}, "card": {"token": "tok_approve:same"}, "device": {"device": "Phone"}}
    variant = shop.a_variant()

    def one():
        number = next(_numbers)
        common = who.get(rule, {})
        place = shop.ADDRESS if rule == "address" else {**shop.ADDRESS, "line1": f"{number} Mill Lane"}
        wish = {"token": f"tok_approve:{number}", "device": f"Phone {number}", "shipping_address": place} | common
        return shop.an_order({variant: 1}, **wish)

    orders = [one() for _ in range(3)]
    assert [process(order) for order in orders[:1]] == ["on_hold"]  # all three were there when the first was looked at
    found = outcome(orders[0])
    assert (found["score"], [reason["rule"] for reason in found["reasons"]]) == (10, [f"{rule}_velocity"])
    assert gateway.calls == []
    other = {"caller": shop.a_member()} if rule == "account" else {rule: "another"} if rule == "device" else {}
    if rule == "address":
        other = {"shipping_address": {**shop.ADDRESS, "line1": "900 Mill Lane"}}
    assert process(shop.an_order({variant: 1}, **{"token": "tok_approve:other"} | other)) == "confirmed"


def test_a_card_is_the_same_under_every_token_as_its_provider_tells(core, gateway):
    set_rules(card=(10, 2, 60))
    orders = [shop.an_order(token=f"tok_approve:mine.{n}") for n in range(3)]
    assert [process(order) for order in orders] == ["confirmed", "confirmed", "on_hold"]
    assert process(shop.an_order(token="tok_approve:other.1")) == "confirmed"
    assert gateway.made("describe") == 4


def test_declines_of_one_card_count_under_every_token(core, gateway):
    set_rules(declines=(10, 1, 60))
    for n in range(2):
        shop.a_declined_order(token=f"tok_decline:mine.{n}")
    assert process(shop.an_order(token="tok_decline:mine.9")) == "on_hold"


def test_the_cards_country_is_compared_with_those_of_bill_and_parcel(core, gateway):
    set_rules(countries=(10,))
    assert process(shop.an_order(token="tok_approve:from_GB")) == "confirmed"
    order = shop.an_order(token="tok_approve:from_DE")
    assert process(order) == "on_hold"
    assert [r["rule"] for r in outcome(order)["reasons"]] == ["countries_differ"]
    retried = shop.a_declined_order(token="tok_decline")
    shop.pay_again(retried, "tok_approve:from_DE")
    assert process(retried) == "on_hold"
    run_unit(lambda: verifying.approve(retried.number, None, None))
    asked = gateway.made("describe")
    assert process(retried) == "confirmed"
    assert gateway.made("describe") == asked  # it was judged: nobody is asked again


def test_a_provider_that_tells_nothing_of_a_card_leaves_its_token_to_stand_for_it(core, gateway):
    set_rules(card=(10, 1, 60), countries=(10,))
    gateway.queue("describe", *[unknown("timeout")] * 2)
    orders = [shop.an_order(token="tok_approve:from_DE") for _ in range(2)]
    assert process(orders[0]) == "on_hold"
    assert [r["rule"] for r in outcome(orders[0])["reasons"]] == ["card_velocity"]


def test_nobody_is_asked_about_a_card_that_no_rule_goes_by(core, gateway):
    set_rules(account=(10, 5, 60))
    assert process(shop.an_order()) == "confirmed"
    assert gateway.made("describe") == 0


def test_an_address_is_the_same_however_it_is_written():
    same = {**shop.ADDRESS, "name": "Somebody Else", "line1": "1, mill LANE", "postal_code": "ls14ab"}
    assert signals.place_words(same) == signals.place_words(shop.ADDRESS)
    assert signals.place_words({**shop.ADDRESS, "line1": "2 Mill Lane"}) != signals.place_words(shop.ADDRESS)


def test_countries_that_differ_and_a_guests_dear_order_are_told_with_their_points(core, gateway):
    set_rules(confirm_from=100, review_from=200, countries=(3,), new_and_dear=(4,))
    run_unit(lambda: shop_settings.set_value(HIGH_VALUE, {"USD": 1000}))
    billing = {**shop.ADDRESS, "country": "US", "region": "NY", "postal_code": "10001"}
    order = shop.an_order(billing_address=billing)
    assert process(order) == "confirmed"
    found = outcome(order)
    assert found["score"] == sum(reason["points"] for reason in found["reasons"]) == 7
    assert (found["outcome"], found["decided"]) == ("pass", None)
    run_unit(lambda: shop_settings.set_value(HIGH_VALUE, {"EUR": 1000}))  # nothing is of high value in dollars
    quiet = shop.an_order()
    process(quiet)
    assert outcome(quiet)["score"] == 0


def test_many_declines_hold_the_next_try_even_of_the_same_order(core, gateway):
    set_rules(declines=(10, 2, 60))
    member = shop.a_member()
    for _ in range(2):
        shop.a_declined_order(caller=member)
    order = shop.a_declined_order(caller=member)
    shop.pay_again(order, "tok_approve:third")
    before = len(gateway.calls)
    assert process(order) == "on_hold"
    assert len(gateway.calls) == before
    run_unit(lambda: verifying.confirm(order.number, OWNER, None))
    assert process(order) == "confirmed"


def test_a_crowd_of_a_hundred_sessions_of_one_account_gets_no_more_through_than_the_limit(core, gateway):
    set_rules(account=(10, 5, 60))
    member, variant = shop.a_member(), shop.a_variant(stock=200)
    orders = []
    for number in range(100):
        orders.append(
            shop.an_order({variant: 1}, caller=member, token=f"tok_approve:{number}", device=f"Phone {number}")
        )
        process(orders[-1])
    states = [shop.state_of(order)[0] for order in orders]
    assert states == ["confirmed"] * 5 + ["on_hold"] * 95
    assert len(gateway.charges) == 5
    assert stock_of(variant) == (195, 95)


def test_the_development_profile_lets_hundreds_of_one_device_and_address_pass(core, gateway):
    assert settings().limits_profile == "demo"
    variant = shop.a_variant(stock=100)
    orders = [shop.an_order({variant: 1}, device="One") for _ in range(25)]
    assert {process(order) for order in orders} == {"confirmed"}


def test_the_shoppers_word_lets_it_go_on_once_however_often_it_is_given(core, gateway):
    order = a_held_order()
    assert hold_reason(order) == "shopper_confirmation"
    with pytest.raises(NotFound):
        run_unit(lambda: verifying.confirm(order.number, Viewer(), None))
    for _ in range(2):
        run_unit(lambda: verifying.confirm(order.number, OWNER, None))
    events = [
        row.type for row in shop.look("SELECT type FROM order_events WHERE order_id = :i ORDER BY seq", i=order.id)
    ]
    assert events == ["order.placed", "order.on_hold", "order.released"]
    assert process(order) == "confirmed"
    run_unit(lambda: verifying.confirm(order.number, OWNER, None))
    assert shop.state_of(order) == ("confirmed", "captured")
    assert audit_of(order) == ["order.held", "order.confirmed_by_shopper"]


def test_what_staff_must_look_at_is_not_the_shoppers_to_confirm(core, gateway):
    order = a_held_order("review")
    assert hold_reason(order) == "fraud_review"
    with pytest.raises(NotWaiting):
        run_unit(lambda: verifying.confirm(order.number, OWNER, None))
    with reading():
        assert [item["number"] for item in risks.list_reviews()["items"]] == [order.number]
    run_unit(lambda: verifying.approve(order.number, None, None))
    assert process(order) == "confirmed"
    with reading():
        assert risks.list_reviews()["items"] == []
    with pytest.raises(NotWaiting):
        run_unit(lambda: verifying.reject(order.number, None, None))


@pytest.mark.parametrize("way", ["reject", "expire"])
def test_stock_is_kept_on_hold_and_given_back_when_refused_or_too_late(core, gateway, way):
    variant = shop.a_variant(stock=10)
    order = a_held_order("review", items={variant: 3})
    assert stock_of(variant) == (10, 3)
    assert verifying.expire() == 0
    if way == "reject":
        run_unit(lambda: verifying.reject(order.number, None, None))
    else:
        pass_time(order)
        assert (verifying.expire(), verifying.expire()) == (1, 0)
        assert audit_of(order) == ["order.held", "order.hold_expired"]
    assert shop.state_of(order) == ("cancelled", "voided")
    assert stock_of(variant) == (10, 0)
    assert outcome(order)["decided"] == ("rejected" if way == "reject" else "expired")
    processing.process(order.id)
    assert gateway.charges == {}


def test_approval_and_expiry_at_once_have_one_winner(core, gateway):
    for _ in range(5):
        variant = shop.a_variant(stock=10)
        order = a_held_order("review", items={variant: 2})
        pass_time(order)
        outcomes = together(core, partial(_approve, order.number), verifying.expire)
        won = outcome(order)["decided"]
        process(order)
        if won == "approved":
            assert (shop.state_of(order)[0], stock_of(variant)) == ("confirmed", (8, 0)), outcomes
        else:
            assert (shop.state_of(order)[0], stock_of(variant), won) == ("cancelled", (10, 0), "expired"), outcomes


def _approve(number):
    try:
        return run_unit(lambda: verifying.approve(number, None, None))
    except NotWaiting:
        return None


def test_twenty_confirmations_at_once_release_it_once(core, gateway):
    order = a_held_order()
    together(core, *[lambda: run_unit(lambda: verifying.confirm(order.number, OWNER, None))] * 20)
    released = shop.look(
        "SELECT count(*) AS n FROM order_events WHERE order_id = :i AND type = 'order.released'", i=order.id
    )
    assert released[0].n == 1
    assert process(order) == "confirmed"


def test_signals_hold_nothing_in_the_clear_and_go_when_no_rule_can_see_them(core, gateway):
    order = shop.an_order(device="Phone of Robin", token="tok_approve:secret", email="robin@canary.example")
    row = shop.look("SELECT s::text AS words FROM order_signals s WHERE order_id = :i", i=order.id)[0].words
    for word in ("Phone", "secret", "robin", "Mill", b"secret".hex(), b"Phone".hex()):
        assert word not in row
    assert run_unit(signals.prune) == 0
    run_unit(lambda: db.run("UPDATE order_signals SET at = now() - interval '9 days'"))
    assert run_unit(signals.prune) == 1


def test_thresholds_of_priority_go_by_currency(core):
    run_unit(lambda: shop_settings.set_value(HIGH_VALUE, {"USD": 5000, "EUR": 100}))
    run_unit(lambda: shop_settings.set_value(VIP_SPEND, {settings().base_currency: 700}))
    assert shop.an_order({shop.a_variant(price=4400): 1}).document["priority"] == "standard"
    assert shop.an_order({shop.a_variant(price=4500): 1}).document["priority"] == "high"
    assert shop.an_order(caller=shop.a_member(spent=700)).document["priority_reason"] == "lifetime_spend"


def test_settings_are_checked_and_an_old_version_changes_nothing(core):
    with reading():
        was = setting(RISK)
    assert was["version"] == 0
    for wrong in (
        {},
        was["value"] | {"confirm_from": 0},
        was["value"] | {"more": 1},
        was["value"] | {"review_from": 1},
    ):
        with pytest.raises(Invalid):
            run_unit(lambda wrong=wrong: shop_settings.set_value(RISK, wrong, 0))
    run_unit(lambda: shop_settings.set_value(RISK, was["value"] | {"review_hours": 5}, 0))
    for old in (0, 7):
        with pytest.raises(SettingChanged):
            run_unit(lambda old=old: shop_settings.set_value(RISK, was["value"], old))
    with reading():
        assert (setting(RISK)["version"], setting(RISK)["value"]["review_hours"]) == (1, 5)
    for wrong in ({"usd": 1}, {"USD": 0}, {"USD": "1"}, {"USD": True}):
        with pytest.raises(Invalid):
            run_unit(lambda wrong=wrong: shop_settings.set_value(HIGH_VALUE, wrong))
