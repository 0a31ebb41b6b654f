"""A promotion with its limits against real PostgreSQL: whatever is used and given back in whatever order, its counters
and its uses are those of a simple model. The long run: MACHINE_RUNS=200 MACHINE_STEPS=30 (or 5000 and 50).
"""

import os

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from quickshop.kernel.ids import new_id
from quickshop.kernel.unit_of_work import run_unit
from quickshop.promotions import managing
from quickshop.promotions import service as promotions
from quickshop.promotions.errors import UsedUp
from tests.factories.promotions import a_promotion
from tests.factories.shop import look

RUNS, STEPS = int(os.environ.get("MACHINE_RUNS", "12")), int(os.environ.get("MACHINE_STEPS", "20"))
PEOPLE = st.sampled_from(["user:ann", "user:bob", "guest:cy"])


class Coupon(RuleBasedStateMachine):
    """The promotion, and beside it what a pencil and paper would say of it."""

    made = 0

    @initialize(
        total=st.none() | st.integers(1, 4), person=st.none() | st.integers(1, 2), code=st.none() | st.integers(1, 3)
    )
    def make(self, total, person, code):
        Coupon.made += 1
        self.code, self.code_limit = f"MACHINE{Coupon.made}", code
        self.total, self.person, self.active = total, person, True
        self.offer = a_promotion(code=self.code, code_limit=code, total_limit=total, person_limit=person)
        self.used, self.freed = {}, {}  # orders and whose they are

    def _free(self, who):
        live = list(self.used.values())
        return (
            self.active
            and (self.total is None or len(live) < self.total)
            and (self.code_limit is None or len(live) < self.code_limit)
            and (self.person is None or live.count(who) < self.person)
        )

    def _use(self, order, who, work):
        if self._free(who):
            run_unit(work)
            self.used[order] = who
            return True
        with pytest.raises(UsedUp):
            run_unit(work)
        return False

    @rule(who=PEOPLE)
    def use(self, who):
        order = new_id()
        self._use(order, who, lambda: promotions.spend(order, who, {self.offer: self.code}))

    @precondition(lambda self: self.used)
    @rule(data=st.data(), again=st.booleans())
    def give_back(self, data, again):
        order = data.draw(st.sampled_from(sorted(self.used)))
        for _ in range(2 if again else 1):
            run_unit(lambda: promotions.give_back(order))
        self.freed[order] = self.used.pop(order)

    @precondition(lambda self: self.freed)
    @rule(data=st.data())
    def take_again(self, data):
        order = data.draw(st.sampled_from(sorted(self.freed)))
        who = self.freed[order]
        if self._use(order, who, lambda: promotions.take_again(order, who)):
            del self.freed[order]

    @rule(total=st.none() | st.integers(1, 4))
    def set_limit(self, total):
        if total is not None and total < len(self.used):
            return
        run_unit(lambda: managing.change(self.offer, {"total_limit": total}))
        self.total = total

    @rule(active=st.booleans())
    def set_active(self, active):
        run_unit(lambda: managing.change(self.offer, {"active": active}))
        self.active = active

    @invariant()
    def counters_and_uses_are_the_models(self):
        if not hasattr(self, "offer"):
            return
        row = look(
            "SELECT p.used, c.used AS by_code FROM promotions p JOIN promotion_codes c ON c.promotion_id = p.id"
            " WHERE p.id = :id",
            id=self.offer,
        )[0]
        assert row.used == (len(self.used) if self.total is not None else 0)
        assert row.by_code == (len(self.used) if self.code_limit is not None else 0)
        live = look(
            "SELECT order_id, caller, number FROM promotion_uses WHERE promotion_id = :id AND given_back_at IS NULL",
            id=self.offer,
        )
        assert {use.order_id: use.caller for use in live} == self.used
        if self.person is not None:
            assert all(1 <= use.number <= self.person for use in live)
            assert len({(use.caller, use.number) for use in live}) == len(live)


@pytest.mark.timeout(1800)  # for the long run
def test_a_coupon_is_used_as_often_as_its_limits_say_and_no_more(core):
    run_state_machine_as_test(Coupon, settings=settings(max_examples=RUNS, stateful_step_count=STEPS, deadline=None))
