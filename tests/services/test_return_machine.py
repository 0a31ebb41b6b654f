"""Returns against real PostgreSQL: whatever happens to an order that arrives in parts, units, stock and money are what
a simple model says. The long run: MACHINE_RUNS=200 MACHINE_STEPS=30.
"""

import os

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from quickshop.inventory.errors import OutOfStock
from quickshop.kernel.errors import Invalid
from quickshop.kernel.states import WrongState
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders import processing, refunds
from quickshop.orders.errors import NotRefundable
from quickshop.orders.refunds import Back
from quickshop.orders.viewers import Viewer
from quickshop.returns.errors import NothingCame, NotReturnable
from tests.factories import returns
from tests.factories.shop import a_confirmed_order, a_member, a_variant, log_of, look, stock_of

RUNS, STEPS = int(os.environ.get("MACHINE_RUNS", "5")), int(os.environ.get("MACHINE_STEPS", "18"))
LINES = (1, 2)
UNITS = {1: 3, 2: 2}
PRICE = {1: 1000, 2: 333}
STOCK = 6
WHICH = st.integers(0, 5)
OPEN = ("requested", "approved", "received")


class Returns(RuleBasedStateMachine):
    """One order of two lines, and what somebody with pen and paper would have noted of it."""

    @initialize()
    def make(self):
        member = a_member()
        self.who = Viewer(user_id=member.user_id)
        self.variants = {line: a_variant(stock=STOCK, price=PRICE[line]) for line in LINES}
        self.order = a_confirmed_order(items={self.variants[n]: UNITS[n] for n in LINES}, caller=member)
        rows = look("SELECT id, variant_id, position FROM order_lines WHERE order_id = :id", id=self.order.id)
        self.places = {n: r.position + 1 for n in LINES for r in rows if r.variant_id == self.variants[n]}
        self.ids = {n: r.id for n in LINES for r in rows if r.variant_id == self.variants[n]}
        self.delivered, self.announced, self.back = (
            dict.fromkeys(LINES, 0),
            dict.fromkeys(LINES, 0),
            dict.fromkeys(LINES, 0),
        )
        self.on_hand = {n: STOCK - UNITS[n] for n in LINES}
        self.paid = {n: UNITS[n] * PRICE[n] for n in LINES}
        self.given, self.refunded_units = ({1: 0, 2: 0} for _ in range(2))
        self.shipping_given = 0
        self.returns = []

    def _try(self, work, *errors):
        """Do it, or be refused with one of these errors."""
        if not errors:
            return work()
        with pytest.raises(errors):
            work()
        return None

    # --- goods ------------------------------------------------------------------------------------------

    @rule(n=st.sampled_from(LINES), units=st.integers(1, 3))
    def deliver(self, n, units):
        units = min(units, UNITS[n] - self.delivered[n])
        if units:
            returns.deliver(self.order, units={self.places[n]: units})
            self.delivered[n] += units

    @rule(
        n=st.sampled_from(LINES),
        units=st.integers(1, 3),
        resolution=st.sampled_from(["refund", "credit", "exchange"]),
    )
    def ask(self, n, units, resolution):
        left = self.delivered[n] - self.back[n] - self.announced[n]
        errors = [NotReturnable] if units > left else []
        made = self._try(
            lambda: returns.ask(self.order, units, self.places[n], resolution=resolution, viewer=self.who), *errors
        )
        if made:
            self.announced[n] += units
            place = len(self.returns) + 1
            self.returns.append(
                {"id": made, "place": place, "n": n, "units": units, "for": resolution, "state": "requested", "came": 0}
            )

    def _pick(self, i):
        return self.returns[i % len(self.returns)]

    def _wrong(self, found, *states):
        return [] if found["state"] in states else [WrongState]

    @precondition(lambda self: self.returns)
    @rule(i=WHICH)
    def approve(self, i):
        found = self._pick(i)
        # Approving again changes nothing.
        errors = self._wrong(found, "requested", "approved")
        self._try(lambda: returns.approve(found["id"]), *errors)
        if not errors:
            found["state"] = "approved"

    @precondition(lambda self: self.returns)
    @rule(i=WHICH)
    def withdraw(self, i):
        found = self._pick(i)
        errors = self._wrong(found, "requested", "approved", "withdrawn")
        self._try(lambda: returns.withdraw(self.order, found["place"]), *errors)
        if not errors and found["state"] != "withdrawn":
            self._let_go(found, "withdrawn")

    @precondition(lambda self: self.returns)
    @rule(i=WHICH)
    def reject(self, i):
        found = self._pick(i)
        errors = self._wrong(found, *OPEN)
        self._try(lambda: returns.reject(found["id"]), *errors)
        if not errors:
            if found["state"] == "received":
                found["state"] = "rejected"
            else:
                self._let_go(found, "rejected")

    def _let_go(self, found, state):
        self.announced[found["n"]] -= found["units"]
        found["state"] = state

    @precondition(lambda self: self.returns)
    @rule(i=WHICH, came=st.integers(0, 3), whole=st.integers(0, 3))
    def receive(self, i, came, whole):
        found = self._pick(i)
        n, place = found["n"], self.places[found["n"]]
        errors = self._wrong(found, "approved") or ([Invalid] if not whole <= came <= found["units"] else [])
        self._try(lambda: returns.receive(found["id"], came, whole, place), *errors)
        if not errors:
            self.announced[n] -= found["units"]
            self.back[n] += came
            self.on_hand[n] += whole
            found |= {"state": "received", "came": came}

    # --- what is given for it ---------------------------------------------------------------------------

    def _worth(self, n, units):
        """What some more units of a line are worth, so that all of them are worth what was paid."""
        before, after = self.refunded_units[n], self.refunded_units[n] + units
        share = self.paid[n] * after // UNITS[n] - self.paid[n] * before // UNITS[n]
        return min(share, self.paid[n] - self.given[n])

    def _left(self):
        return self.order.total - sum(self.given.values()) - self.shipping_given

    def _refusal(self, n, units):
        if self.refunded_units[n] + units > UNITS[n]:
            # Nothing at all is left, or these units were paid back before.
            return [Invalid, NotRefundable]
        return [] if self._worth(n, units) else [NotRefundable]

    @precondition(lambda self: self.returns)
    @rule(i=WHICH)
    def refund(self, i):
        found = self._pick(i)
        n, came = found["n"], found["came"]
        errors = self._wrong(found, "received") or ([NothingCame] if not came else self._refusal(n, came))
        worth = 0 if errors else self._worth(n, came)
        given = self._try(lambda: returns.settle(found["id"]), *errors)
        if given:
            assert given.amount_minor == worth
            assert given.store_credit_minor == (worth if found["for"] == "credit" else 0)
            self.given[n] += worth
            self.refunded_units[n] += came
            found["state"] = "refunded"

    @precondition(lambda self: self.returns)
    @rule(i=WHICH)
    def exchange(self, i):
        found = self._pick(i)
        n, came = found["n"], found["came"]
        errors = self._wrong(found, "received") or ([NothingCame] if not came else [])
        errors = errors or ([Invalid] if found["for"] != "exchange" else [])
        errors = errors or ([OutOfStock] if came > self.on_hand[n] else [])
        number = self._try(lambda: returns.exchange(found["id"]), *errors)
        if number:
            self.on_hand[n] -= came
            found["state"] = "exchanged"
            new = look("SELECT id FROM orders WHERE number = :n", n=number)[0].id
            processing.process(new)

    @rule(n=st.sampled_from(LINES), units=st.integers(1, 2))
    def goodwill_for_units(self, n, units):
        errors = self._refusal(n, units)
        worth = 0 if errors else self._worth(n, units)
        wanted = {self.ids[n]: Back(units)}
        self._try(
            lambda: run_unit(lambda: refunds.give_back(self.order.id, "goodwill", "staff", lines=wanted)), *errors
        )
        if not errors:
            self.given[n] += worth
            self.refunded_units[n] += units

    @rule()
    def goodwill_for_shipping(self):
        left = 500 - self.shipping_given
        errors = [] if left else [NotRefundable, Invalid]
        self._try(
            lambda: run_unit(
                lambda: refunds.give_back(self.order.id, "goodwill", "staff", shipping_minor=max(left, 1))
            ),
            *errors,
        )
        self.shipping_given += left

    @rule()
    def work(self):
        returns.run_refunds(self.order)

    # --- what holds -------------------------------------------------------------------------------------

    @invariant()
    def units_stock_and_money_are_what_was_noted(self):
        rows = {row.line_id: row for row in look("SELECT * FROM line_progress WHERE order_id = :id", id=self.order.id)}
        for n in LINES:
            row = rows.get(self.ids[n])
            noted = (self.delivered[n], self.announced[n], self.back[n], self.given[n])
            kept = (row.delivered, row.announced, row.returned, row.given_back_minor) if row else (0, 0, 0, 0)
            assert kept == noted
            assert stock_of(self.variants[n]) == (self.on_hand[n], 0)
        moved = look("SELECT variant_id, sum(delta)::int AS n FROM stock_movements GROUP BY 1")
        by_variant = {row.variant_id: row.n for row in moved}
        assert {n: by_variant[self.variants[n]] for n in LINES} == self.on_hand
        ledger = look(
            "SELECT coalesce(sum(amount_minor), 0)::int AS n FROM refunds WHERE order_id = :i", i=self.order.id
        )
        assert ledger[0].n == sum(self.given.values()) + self.shipping_given
        assert self._left() >= 0

    @invariant()
    def each_return_stands_where_it_was_noted(self):
        kept = look("SELECT state FROM returns WHERE order_id = :id ORDER BY number", id=self.order.id)
        assert [row.state for row in kept] == [found["state"] for found in self.returns]
        log_of(self.order)

    def teardown(self):
        """When all work is done, the card got exactly its part."""
        if hasattr(self, "order"):
            returns.run_refunds(self.order)
            row = look(
                "SELECT p.refunded_minor, p.refunding_minor, (SELECT coalesce(sum(card_minor), 0)::int FROM refunds r"
                " WHERE r.order_id = p.order_id) AS card FROM payments p WHERE order_id = :id",
                id=self.order.id,
            )[0]
            assert (row.refunded_minor, row.refunding_minor) == (row.card, 0)


def test_units_stock_and_money_under_any_history(core, gateway):
    run_machine(Returns, settings=settings(max_examples=RUNS, stateful_step_count=STEPS, deadline=None))
