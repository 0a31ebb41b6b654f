"""Carts and stock against real PostgreSQL: whatever is done in whatever order, a cart is what a simple model says, and
stock is never promised twice. The long run: MACHINE_RUNS=200 MACHINE_STEPS=30 (or 5000 and 50).
"""

import os
from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from quickshop.accounts.callers import ANONYMOUS
from quickshop.cart import service as carts
from quickshop.cart.queries import cart_view
from quickshop.checkout.service import start_hold
from quickshop.inventory import service as inventory
from quickshop.inventory.errors import OutOfStock
from quickshop.kernel import db
from quickshop.kernel.errors import NotFound
from quickshop.kernel.ids import new_id
from quickshop.kernel.unit_of_work import reading, run_unit
from tests.factories.shop import a_member, a_variant, look, stock_of

RUNS, STEPS = int(os.environ.get("MACHINE_RUNS", "8")), int(os.environ.get("MACHINE_STEPS", "20"))
WHICH = st.integers(0, 2)
STOCK = 5


class Cart(RuleBasedStateMachine):
    """One cart of three products, and what its owner would have noted: what is in it, aside, and taken out."""

    @initialize(member=st.booleans())
    def make(self, member):
        self.who = a_member() if member else ANONYMOUS
        self.variants = [a_variant(stock=STOCK) for _ in range(3)]
        self.ref = run_unit(lambda: carts.start_cart(self.who))
        self.inside, self.saved, self.removed = {}, {}, {}
        self.ids = {}

    def _id(self, table, variant, kind=None):
        which = "AND kind = :kind" if kind else ""
        owner = "(cart_id = :cart OR user_id = CAST(:user AS uuid))" if kind else "cart_id = :cart"
        rows = look(
            f"SELECT id FROM {table} WHERE variant_id = :v AND {owner} {which}",
            v=variant,
            cart=self.ref.id,
            user=self.who.user_id,
            kind=kind,
        )
        return rows[0].id if rows else new_id()

    def _try(self, expected, work):
        if expected:
            run_unit(work)
            return True
        with pytest.raises(NotFound):
            run_unit(work)
        return False

    @rule(n=WHICH, quantity=st.sampled_from([1, 2, 7, 9999]))
    def add(self, n, quantity):
        variant = self.variants[n]
        run_unit(lambda: carts.add_item(self.ref, variant, quantity))
        self.inside[variant] = min(self.inside.get(variant, 0) + quantity, 9999)

    @rule(n=WHICH, quantity=st.sampled_from([0, 1, 3, 5, 6, 9999]))
    def set(self, n, quantity):
        variant = self.variants[n]
        item = self._id("cart_items", variant)
        if self._try(variant in self.inside, lambda: carts.set_quantity(self.ref, item, quantity)):
            if quantity:
                self.inside[variant] = min(quantity, STOCK)
            else:
                self.removed[variant] = self.inside.pop(variant)

    @rule(n=WHICH, later=st.booleans())
    def put_aside(self, n, later):
        variant = self.variants[n]
        item = self._id("cart_items", variant)
        verb, there = (carts.save_for_later, self.saved) if later else (carts.remove_item, self.removed)
        if self._try(variant in self.inside, lambda: verb(self.ref, item)):
            there[variant] = self.inside.pop(variant)

    @rule(n=WHICH, later=st.booleans())
    def bring_back(self, n, later):
        variant = self.variants[n]
        kind, verb, there = (
            ("saved", carts.move_to_cart, self.saved) if later else ("removed", carts.restore_item, self.removed)
        )
        aside = self._id("cart_asides", variant, kind)
        if self._try(variant in there, lambda: verb(self.ref, aside)):
            self.inside[variant] = min(self.inside.get(variant, 0) + there.pop(variant), 9999)

    @rule(n=WHICH, quantity=st.integers(1, 9))
    def fill(self, n, quantity):
        variant = self.variants[n]
        run_unit(lambda: carts.fill(self.ref, {variant: quantity}))
        self.inside[variant] = max(self.inside.get(variant, 0), min(quantity, STOCK))

    @rule()
    def empty(self):
        run_unit(lambda: carts.empty(self.ref))
        self.inside = {}

    @rule()
    def see(self):
        run_unit(lambda: carts.mark_seen(self.ref))

    @invariant()
    def the_cart_is_the_models(self):
        if not hasattr(self, "ref"):
            return
        with reading():
            shown = cart_view(self.ref)
        inside = {item["variant_id"]: item["quantity"] for item in shown["items"]}
        assert inside == {str(variant): quantity for variant, quantity in self.inside.items()}
        assert {i["variant_id"]: i["quantity"] for i in shown["saved"]} == {str(v): q for v, q in self.saved.items()}
        assert shown["subtotal"]["amount"] == sum(1000 * quantity for quantity in self.inside.values())


class Stock(RuleBasedStateMachine):
    """Two products, and carts and orders that want them: what is in the house and what is promised, by a model."""

    @initialize()
    def make(self):
        self.variants = [a_variant(stock=STOCK) for _ in range(2)]
        self.on_hand = Counter(dict.fromkeys(self.variants, STOCK))
        self.carts, self.orders, self.sold = {}, {}, {}

    def _free(self, besides=None):
        promised = Counter()
        for owner, wanted in (self.carts | self.orders).items():
            if owner != besides:
                promised.update(wanted)
        return {v: self.on_hand[v] - promised[v] for v in self.variants}

    def _can(self, wanted, besides=None):
        free = self._free(besides)
        return all(free[v] >= q for v, q in wanted.items())

    WANTED = st.tuples(st.integers(0, 4), st.integers(0, 4)).filter(any)

    def _wanted(self, units):
        return {v: q for v, q in zip(self.variants, units, strict=True) if q}

    @rule(units=WANTED)
    def hold(self, units):
        wanted = self._wanted(units)
        ref = run_unit(lambda: self._cart(wanted))
        if self._can(wanted):
            run_unit(lambda: start_hold(ref))
            self.carts[ref.id] = wanted
        else:
            with pytest.raises(OutOfStock):
                run_unit(lambda: start_hold(ref))

    @staticmethod
    def _cart(wanted):
        ref = carts.start_cart(ANONYMOUS)
        for variant, quantity in wanted.items():
            carts.add_item(ref, variant, quantity)
        return ref

    @precondition(lambda self: self.carts)
    @rule(data=st.data(), units=WANTED)
    def hold_anew(self, data, units):
        cart, wanted = data.draw(st.sampled_from(sorted(self.carts))), self._wanted(units)
        if self._can(wanted, besides=cart):
            run_unit(lambda: inventory.hold_for_cart(cart, wanted, 15))
            self.carts[cart] = wanted
        else:
            with pytest.raises(OutOfStock):
                run_unit(lambda: inventory.hold_for_cart(cart, wanted, 15))

    @precondition(lambda self: self.carts)
    @rule(data=st.data(), warned=st.booleans())
    def run_out(self, data, warned):
        cart = data.draw(st.sampled_from(sorted(self.carts)))
        if warned:
            self._expire(cart, "1 minute")
            assert run_unit(inventory.warn_of_expiry) == 1
        self._expire(cart, "-1 second")
        assert run_unit(inventory.release_expired) == 1
        del self.carts[cart]

    @staticmethod
    def _expire(cart, when):
        run_unit(
            lambda: db.run(
                f"UPDATE stock_holds SET expires_at = now() + interval '{when}', warned_at = NULL"
                " WHERE cart_id = :cart AND state = 'live'",
                cart=cart,
            )
        )

    @rule(units=WANTED)
    def reserve(self, units):
        order, wanted = new_id(), self._wanted(units)
        if self._can(wanted):
            run_unit(lambda: inventory.reserve(order, wanted))
            self.orders[order] = wanted
        else:
            with pytest.raises(OutOfStock):
                run_unit(lambda: inventory.reserve(order, wanted))

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), how=st.sampled_from(["commit", "release"]), twice=st.booleans())
    def end(self, data, how, twice):
        order = data.draw(st.sampled_from(sorted(self.orders)))
        verb = getattr(inventory, how)
        assert run_unit(lambda: verb(order)) is True
        if twice:
            assert run_unit(lambda: verb(order)) is False
        wanted = self.orders.pop(order)
        if how == "commit":
            self.sold[order] = wanted
            self.on_hand.subtract(wanted)

    @precondition(lambda self: self.sold)
    @rule(data=st.data())
    def put_back(self, data):
        order = data.draw(st.sampled_from(sorted(self.sold)))
        run_unit(lambda: inventory.put_back(order))
        assert run_unit(lambda: inventory.put_back(order)) == 0
        self.on_hand.update(self.sold.pop(order))

    @rule(n=st.integers(0, 1), quantity=st.integers(1, 3))
    def receive(self, n, quantity):
        run_unit(lambda: inventory.receive({self.variants[n]: quantity}))
        self.on_hand[self.variants[n]] += quantity

    @invariant()
    def stock_is_the_models(self):
        if not hasattr(self, "variants"):
            return
        free = self._free()
        for variant in self.variants:
            on_hand, held = stock_of(variant)
            assert (on_hand, on_hand - held) == (self.on_hand[variant], free[variant])
            moved = look("SELECT sum(delta) AS n FROM stock_movements WHERE variant_id = :v", v=variant)[0].n
            assert moved == on_hand


@pytest.mark.timeout(1800)  # for the long run
@pytest.mark.parametrize("machine", [Cart, Stock], ids=["cart", "stock"])
def test_a_machine_of_any_steps_agrees_with_its_model(core, machine):
    run_machine(machine, settings=settings(max_examples=RUNS, stateful_step_count=STEPS, deadline=None))
