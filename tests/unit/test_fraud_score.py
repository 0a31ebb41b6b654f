"""The score of risk: explained, bounded, and never lowered by more of anything."""

import os

from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as some

from quickshop.security.fraud import COUNTED, Decision, Policy, Rule, Seen, Weight, decide, reasons, score
from quickshop.shop.rules import MOST_POINTS, POLICIES, check_risk, policy_document, policy_of

EXAMPLES = int(os.environ.get("QUICKSHOP_EXAMPLES", "60"))
RANK = (Decision.PASS, Decision.CONFIRM, Decision.REVIEW)

weights = some.fixed_dictionaries(
    {
        rule: some.builds(
            Weight, some.integers(0, MOST_POINTS), some.integers(1, 50), some.integers(1, 600), some.booleans()
        )
        for rule in Rule
    }
)
policies = some.builds(
    lambda w, low, more: Policy(w, low, low + more), weights, some.integers(1, 300), some.integers(0, 300)
)
sights = some.builds(
    Seen,
    counts=some.dictionaries(some.sampled_from(COUNTED), some.integers(0, 60)),
    countries=some.frozensets(some.sampled_from(["GB", "DE", "US"])),
    account_hours=some.none() | some.floats(0, 1000),
    high_value=some.booleans(),
)


@effort(max_examples=EXAMPLES)
@given(sights, policies)
def test_the_points_of_the_reasons_are_the_score_and_it_is_bounded(seen, policy):
    found = reasons(seen, policy)
    assert score(found) == sum(reason.points for reason in found)
    assert 0 <= score(found) <= sum(w.points for w in policy.weights.values() if w.on)
    assert len({reason.rule for reason in found}) == len(found)
    assert all(reason.words and "{" not in reason.words and reason.points > 0 for reason in found)


@effort(max_examples=EXAMPLES)
@given(sights, policies, some.sampled_from(COUNTED), some.integers(1, 60))
def test_more_of_anything_never_lowers_the_score(seen, policy, rule, more):
    counts = {**seen.counts, rule: seen.counts.get(rule, 0) + more}
    worse = Seen(counts, seen.countries | {"FR", "BR"}, None, True)
    before, after = score(reasons(seen, policy)), score(reasons(worse, policy))
    assert after >= before
    assert RANK.index(decide(after, policy)) >= RANK.index(decide(before, policy))


@effort(max_examples=EXAMPLES)
@given(policies)
def test_a_policy_is_kept_as_it_was_set(policy):
    document = policy_document(policy)
    assert policy_document(policy_of(check_risk(document))) == document


def test_an_ordinary_order_has_no_reason_and_a_rule_that_is_off_gives_none():
    for policy in POLICIES.values():
        assert reasons(Seen(dict.fromkeys(COUNTED, 1), frozenset({"GB"}), 1000.0, False), policy) == []
    off = Policy({rule: Weight(10, 1, 1, on=False) for rule in Rule}, 1, 2)
    assert reasons(Seen(dict.fromkeys(COUNTED, 99), frozenset({"GB", "DE"}), None, True), off) == []


def test_strict_defaults_hold_what_is_plainly_risky_and_demo_ones_let_crowds_pass():
    crowd = Seen(dict.fromkeys(COUNTED, 40), frozenset({"GB", "DE"}), None, True)
    strict, demo = POLICIES["strict"], POLICIES["demo"]
    assert decide(score(reasons(crowd, strict)), strict) is Decision.REVIEW
    assert decide(score(reasons(crowd, demo)), demo) is Decision.PASS
    new = Seen({Rule.CARD: 4}, frozenset({"GB"}), None, True)
    assert decide(score(reasons(new, strict)), strict) is Decision.CONFIRM
