"""Promotions and gift cards under rivals: the last use once, the limit exactly, the same money once."""

import os

import pytest

from quickshop.accounts.callers import ANONYMOUS
from quickshop.checkout.errors import PriceChanged
from quickshop.checkout.service import place_order
from quickshop.kernel.ids import new_id
from quickshop.kernel.unit_of_work import run_unit
from quickshop.promotions import service as promotions
from quickshop.promotions.errors import CreditSpent, UsedUp
from tests.factories.promotions import a_gift_card, a_promotion, left_on, uses_of, with_codes
from tests.factories.racing import together
from tests.factories.shop import a_cart, a_variant, a_wish, look

# The long run: RACERS=1000.
RACERS = int(os.environ.get("RACERS", "100"))


def placing(ref, caller=ANONYMOUS):
    """A function that places this cart's order as it was last shown."""
    asked = a_wish(ref)
    return lambda: run_unit(lambda: place_order(caller, ref, asked))


def using(offer, caller=None, code=None):
    """A function that uses a promotion for an order of its own."""
    order = new_id()
    return lambda: run_unit(lambda: promotions.spend(order, caller or f"guest:{order}", {offer: code}))


@pytest.mark.parametrize("where", ["promotion", "code"])
def test_two_orders_with_the_last_use_are_one_order(core, where):
    limits = {"total_limit": 1} if where == "promotion" else {"code_limit": 1}
    mug = a_variant(stock=100)
    for turn in range(5):
        offer = a_promotion(code=f"LAST{turn}", **limits)
        outcomes = together(core, *[placing(with_codes(a_cart({mug: 1}), f"LAST{turn}")) for _ in range(2)])
        refused = [o for o in outcomes if not isinstance(o, dict)]
        assert len(refused) == 1
        assert isinstance(refused[0], (UsedUp, PriceChanged))
        assert uses_of(offer)[1] == 1


def test_a_limit_of_so_many_is_reached_exactly(core):
    limit = RACERS // 10
    offer = a_promotion(total_limit=limit)
    buyers = [using(offer) for _ in range(RACERS)]
    outcomes = [o for at in range(0, RACERS, 100) for o in together(core, *buyers[at : at + 100])]
    assert sum(o is None for o in outcomes) == limit
    assert {type(o) for o in outcomes if o is not None} == {UsedUp}
    assert uses_of(offer) == (limit, limit)


def test_one_persons_uses_are_counted_one_after_the_other(core):
    offer = a_promotion(person_limit=2)
    outcomes = together(core, *[using(offer, "user:one") for _ in range(12)], *[using(offer) for _ in range(4)])
    assert sum(o is None for o in outcomes[:12]) == 2
    assert outcomes[12:] == [None] * 4
    numbers = look("SELECT number FROM promotion_uses WHERE caller = 'user:one' ORDER BY number")
    assert [r.number for r in numbers] == [1, 2]


def test_the_last_use_given_back_and_taken_at_once_is_used_once_at_most(core):
    offer = a_promotion(total_limit=1)
    for _ in range(10):
        order = new_id()
        run_unit(lambda order=order: promotions.spend(order, "user:one", {offer: None}))
        backs = [lambda order=order: run_unit(lambda: promotions.give_back(order)) for _ in range(3)]
        outcomes = together(core, *backs, using(offer), using(offer))
        assert outcomes[:3] == [None] * 3
        assert sum(o is None for o in outcomes[3:]) <= 1
        used, live = uses_of(offer)
        assert used == live == sum(o is None for o in outcomes[3:])
        for use in look("SELECT order_id FROM promotion_uses WHERE given_back_at IS NULL"):
            run_unit(lambda use=use: promotions.give_back(use.order_id))


def test_one_gift_card_in_two_orders_pays_once(core):
    mug = a_variant(price=1000, stock=100)
    for _ in range(5):
        card, code = a_gift_card(1500)  # all that one order costs
        outcomes = together(core, *[placing(with_codes(a_cart({mug: 1}), code)) for _ in range(2)])
        refused = [o for o in outcomes if not isinstance(o, dict)]
        # Who comes after the other's commit sees an empty card before anything is taken, and pays by other means.
        assert all(isinstance(o, CreditSpent) for o in refused)
        assert left_on(card) == 0
        paid = look(
            "SELECT coalesce(sum(-delta_minor), 0) AS n FROM credit_entries WHERE cause = 'spent' AND credit_id = :c",
            c=card,
        )
        assert paid[0].n == 1500


def test_a_hundred_payments_from_one_card_never_take_more_than_is_on_it(core):
    card, _ = a_gift_card(730)
    payers = [lambda: run_unit(lambda: promotions.pay(new_id(), {card: 100})) for _ in range(100)]
    outcomes = together(core, *payers)
    assert sum(o is None for o in outcomes) == 7
    assert {type(o) for o in outcomes if o is not None} == {CreditSpent}
    assert left_on(card) == 30


def test_offers_asked_for_in_another_order_never_deadlock(core, servers):
    mug = a_variant(stock=1000)
    for name in ("ONE", "TWO", "THREE"):
        a_promotion(code=name, total_limit=1000, person_limit=1000)
    cards = [a_gift_card(10_000)[1] for _ in range(3)]
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    before = servers.run(deadlocks)
    asked = [("ONE", "TWO", "THREE", *cards), (*reversed(cards), "THREE", "TWO", "ONE")]
    outcomes = together(core, *[placing(with_codes(a_cart({mug: 1}), *asked[n % 2])) for n in range(12)])
    assert [o for o in outcomes if not isinstance(o, (dict, CreditSpent))] == []
    assert servers.run(deadlocks) == before
