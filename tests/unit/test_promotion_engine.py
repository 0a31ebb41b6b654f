"""What promotions take off: nothing below zero, nothing lost, whatever the order of the lines."""

import os
import random
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from quickshop.promotions.engine import discounts
from quickshop.promotions.rules import BuyerFacts, Item, Kind, Promotion, Tier, normal_code, unmet

EXAMPLES = int(os.environ.get("PROPERTY_EXAMPLES", "150"))
CATEGORIES = [UUID(int=i) for i in range(1, 6)]
PRODUCTS = [UUID(int=i) for i in range(100, 106)]


def item(key, price, quantity=1, product=0, categories=()):
    return Item(key, PRODUCTS[product], frozenset(CATEGORIES[c] for c in categories), quantity, price)


def promotion(number, kind, **more):
    return Promotion(UUID(int=1000 + number), Kind(kind), f"promotion {number}", **more)


@st.composite
def carts(draw):
    count = draw(st.integers(1, 8))
    return [
        item(
            f"line-{i}",
            draw(st.integers(0, 10**7)),
            draw(st.integers(1, 60)),
            draw(st.integers(0, 5)),
            draw(st.sets(st.integers(0, 4), max_size=3)),
        )
        for i in range(count)
    ]


@st.composite
def offers(draw):
    kind = draw(st.sampled_from(list(Kind)))
    return {
        "kind": kind,
        "rate": draw(st.integers(1, 10_000)),
        "amount_minor": draw(st.none() | st.integers(1, 10**7)),
        "tiers": [
            Tier(draw(st.integers(0, 10**6)), draw(st.integers(1, 10_000))) for _ in range(draw(st.integers(1, 3)))
        ],
        "buy": draw(st.integers(1, 4)),
        "get": draw(st.integers(1, 3)),
        "minimum_minor": draw(st.none() | st.integers(0, 10**6)),
        "categories": frozenset(CATEGORIES[i] for i in draw(st.sets(st.integers(0, 4), max_size=2))),
        "products": frozenset(PRODUCTS[i] for i in draw(st.sets(st.integers(0, 5), max_size=2))),
        "exclusive": draw(st.booleans()),
        "priority": draw(st.integers(0, 3)),
    }


def many(offered):
    return [promotion(n, **o) for n, o in enumerate(offered)]


def taken_by_line(found):
    sums = {}
    for discount in found:
        for key, amount in discount.lines.items():
            sums[key] = sums.get(key, 0) + amount
    return sums


@settings(max_examples=EXAMPLES, deadline=None)
@given(carts(), st.lists(offers(), max_size=6), st.integers(0, 2**32))
def test_no_line_goes_below_zero_and_the_order_of_lines_and_promotions_changes_nothing(cart, offered, seed):
    found = discounts(cart, many(offered), BuyerFacts())
    sums = taken_by_line(found)
    for line in cart:
        assert 0 <= sums.get(line.key, 0) <= line.amount_minor
    assert all(amount > 0 for discount in found for amount in discount.lines.values())
    mixed, known = list(cart), many(offered)
    random.Random(seed).shuffle(mixed)
    random.Random(seed).shuffle(known)
    assert discounts(mixed, known, BuyerFacts()) == found


@settings(max_examples=EXAMPLES, deadline=None)
@given(carts(), offers())
def test_one_promotion_takes_exactly_its_rounded_amount_of_what_it_is_about(cart, offered):
    one = promotion(0, **offered)
    found = discounts(cart, [one], BuyerFacts())
    if unmet(one, cart, BuyerFacts()) is not None:
        assert found == []
        return
    mine = [
        line
        for line in cart
        if not (one.products or one.categories) or line.product_id in one.products or one.categories & line.categories
    ]
    whole = sum(line.amount_minor for line in mine)
    taken = sum(d.amount_minor for d in found)
    assert {key for d in found for key in d.lines} <= {line.key for line in mine}
    if one.kind is Kind.PERCENT:
        assert abs(taken * 10_000 - whole * one.rate) <= 5_000
    elif one.kind is Kind.FIXED:
        assert taken == min(one.amount_minor, whole)
    elif one.kind is Kind.TIERED:
        rate = max((t.rate for t in one.tiers if whole >= t.from_minor), default=0)
        assert abs(taken * 10_000 - whole * rate) <= 5_000
    elif one.kind is Kind.FREE_SHIPPING:
        assert (taken, [d.shipping for d in found]) == (0, [True])
    else:
        prices = sorted(line.unit_price_minor for line in mine for _ in range(line.quantity))
        cheapest = prices[: len(prices) // (one.buy + one.get) * one.get]
        assert abs(taken * 10_000 - sum(cheapest) * one.rate) <= 5_000 * len(mine)


@settings(max_examples=EXAMPLES, deadline=None)
@given(carts(), st.lists(offers(), min_size=1, max_size=5))
def test_an_exclusive_one_stands_alone_and_only_where_it_is_better(cart, offered):
    known = many(offered)
    found = discounts(cart, known, BuyerFacts())
    exclusive = {p.id for p in known if p.exclusive}
    used = {d.promotion_id for d in found}
    assert not used & exclusive or len(used) == 1
    total = sum(d.amount_minor for d in found)
    assert total >= sum(d.amount_minor for d in discounts(cart, [p for p in known if not p.exclusive], BuyerFacts()))
    for one in known:
        if one.exclusive:
            assert total >= sum(d.amount_minor for d in discounts(cart, [one], BuyerFacts()))


def test_combinable_ones_follow_each_other_on_what_is_left():
    cart = [item("a", 1000), item("b", 3000)]
    found = discounts(
        cart,
        [promotion(1, "percent", rate=1000, priority=2), promotion(2, "fixed", amount_minor=2000, priority=1)],
        BuyerFacts(),
    )
    assert [(d.rule, dict(d.lines)) for d in found] == [
        ("fixed", {"a": 500, "b": 1500}),
        ("percent", {"a": 50, "b": 150}),
    ]


def test_of_three_units_the_cheapest_is_free():
    cart = [item("dear", 900, 2), item("cheap", 400, 4)]
    found = discounts(cart, [promotion(1, "buy_x_get_y", buy=2, get=1, rate=10_000)], BuyerFacts())
    assert dict(found[0].lines) == {"cheap": 800}


def test_tiers_take_the_highest_that_is_reached():
    tiers = (Tier(0, 100), Tier(5000, 500), Tier(10_000, 1500))
    one = promotion(1, "tiered", tiers=tiers)
    assert [discounts([item("a", p)], [one], BuyerFacts())[0].amount_minor for p in (4999, 5000, 10_000)] == [
        50,
        250,
        1500,
    ]


def test_why_a_promotion_does_not_apply():
    cart = [item("a", 1000, 1, product=1, categories=[2])]
    told = {
        "not_for_you": {"segments": frozenset({"gold"})},
        "first_order_only": {"first_order": True},
        "nothing_it_is_about": {"products": frozenset({PRODUCTS[2]}), "categories": frozenset({CATEGORIES[1]})},
        "not_in_this_currency": {"minimum_elsewhere": True},
        "minimum_not_reached": {"minimum_minor": 1001},
    }
    for why, more in told.items():
        assert unmet(promotion(1, "percent", rate=100, **more), cart, BuyerFacts()) == why
    assert unmet(promotion(1, "fixed"), cart, BuyerFacts()) == "not_in_this_currency"
    assert unmet(promotion(1, "buy_x_get_y", buy=1, get=1), cart, BuyerFacts()) == "too_few"
    gold = promotion(1, "percent", rate=100, segments=frozenset({"gold"}), categories=frozenset({CATEGORIES[2]}))
    assert unmet(gold, cart, BuyerFacts("gold")) is None


def test_codes_are_compared_without_case_blanks_and_hyphens():
    assert normal_code(" sum-mer 25\n") == "SUMMER25"
