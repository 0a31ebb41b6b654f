"""Orders against real PostgreSQL and a gateway that remembers: whatever is done in whatever order, and wherever a
worker dies, the stock, the money at the gateway, the credit and the uses of a promotion are those of a simple model.
The long run: MACHINE_RUNS=200 MACHINE_STEPS=30 (or 5000 and 50).
"""

import json
import os
from collections import Counter
from dataclasses import dataclass, field

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from quickshop.factory import create_app
from quickshop.inventory.errors import OutOfStock
from quickshop.kernel import clock, db
from quickshop.kernel.money import Money
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders import processing, reconciling, refunding, refunds, steps, undoing, verifying
from quickshop.orders.errors import NotPayable, NotRefundable, NotWaiting
from quickshop.orders.viewers import Viewer
from quickshop.orders.webhooks import BadWebhook, take_webhook
from quickshop.payments.gateways.port import AnswerState
from quickshop.payments.rules import UNKNOWN_SECONDS
from quickshop.payments.signatures import HEADER, sign
from quickshop.promotions.errors import CodeEnded, CreditSpent, UsedUp
from quickshop.security.fraud import Policy, Rule, Weight
from quickshop.shop import service as shop_settings
from quickshop.shop.rules import RISK, policy_document
from tests.factories import promotions as offers
from tests.factories import shop
from tests.factories.gateways import WEBHOOK_SECRET
from tests.factories.shop import look, stock_of

RUNS, STEPS = int(os.environ.get("MACHINE_RUNS", "6")), int(os.environ.get("MACHINE_STEPS", "25"))
STOCK, LIMIT, GIFT, OWED = 6, 2, 1700, 900
SHIPPING, A_WHILE = 500, 170  # minor units; seconds

SCRIPTS = ("approve", "approve", "decline", "challenge", "late", "timeout_charged", "timeout_lost", "error_once")
WHICH = st.integers(0, 9)

WISH = st.fixed_dictionaries(
    {
        "units": st.integers(1, 3),
        "script": st.sampled_from(SCRIPTS),
        "member": st.booleans(),
        "coded": st.booleans(),
        "gift": st.booleans(),
        "owed": st.booleans(),
        "risky": st.sampled_from([False] * 7 + [True]),
    }
)
# Where a worker is cut or disturbed: at its n-th call, at its n-th commit, or by what somebody else does during a call.
AROUND, DURING, COMMIT = ("before", "after"), ("cancel", "overtake", "webhook"), ("undone", "committed")
TROUBLES = st.tuples(st.sampled_from(AROUND + COMMIT), st.integers(1, 3)) | st.tuples(
    st.sampled_from(DURING), st.integers(1, 2)
)

_AT = {
    ("placed", "pending"): "placed",
    ("processing", "pending"): "pending",
    ("processing", "requires_action"): "challenge",
    ("processing", "authorized"): "authorized",
    ("payment_failed", "failed"): "failed",
    ("on_hold", "authorized"): "stuck",  # given up after the stock was taken out
}
WORKED_ON = ("placed", "pending", "challenge", "authorized")
PROMISED = ("placed", "pending", "challenge", "on_hold")  # units are held, not yet out of the house
SOLD = ("authorized", "stuck", "confirmed")


class Cut(BaseException):
    """The worker dies here: nothing of it runs after it."""


@dataclass
class Wanted:
    """An order, and what pencil and paper say of it. Amounts in minor units."""

    order: shop.Placed
    member: bool
    units: int
    coded: bool
    gift: int
    owed: int
    risky: bool
    script: str
    at: str = "placed"
    asked_about: bool = False  # a person was asked about its risk, in this round
    round: int = 1
    age: int | None = None  # seconds since a card was asked for, in this round
    runs: Counter = field(default_factory=Counter)  # of workers in this round, whole and cut
    cuts: int = 0  # in a row
    # What went back: asked of the card, onto the gift card, onto the credit that paid, as new credit.
    to_card: int = 0
    to_gift: int = 0
    to_owed: int = 0
    anew: int = 0

    @property
    def due(self):
        return self.order.total - self.gift - self.owed

    @property
    def left(self):
        return self.order.total - self.to_card - self.to_gift - self.to_owed - self.anew

    def give_back(self, amount):
        """To the card first, then to what paid beside it; False where that is less."""
        card = min(amount, self.due - self.to_card)
        gift = min(amount - card, self.gift - self.to_gift)
        owed = min(amount - card - gift, self.owed - self.to_owed)
        if card + gift + owed < amount:
            return False
        self.to_card, self.to_gift, self.to_owed = self.to_card + card, self.to_gift + gift, self.to_owed + owed
        return True

    @property
    def key(self):
        return f"{self.order.id}:{self.round}:authorize"

    @property
    def live(self):
        return self.at not in ("failed", "cancelled")

    def ended(self):
        return shop.work_of(self.order).step == "done"


class Orders(RuleBasedStateMachine):
    """A product, a promotion, a gift card, a member with credit, and their orders."""

    def __init__(self, gateway, worker):
        super().__init__()
        self.gateway, self.worker = gateway, worker
        self.trap, self.calls = None, 0
        gateway._answer = self._answer

    @initialize(wishes=st.lists(WISH, min_size=1, max_size=3))
    def make(self, wishes):
        self.mug = shop.a_variant(stock=STOCK)
        self.member = shop.a_member()
        self.code = f"MACHINE{self.mug.hex.upper()}"[:30]
        self.offer = offers.a_promotion(code=self.code, total_limit=LIMIT)
        self.gift_card, self.gift_code = offers.a_gift_card(GIFT)
        offers.credit(self.member, OWED)
        self.orders, self.owed, self.told = [], OWED, 0
        for wish in wishes:  # for three there may not be enough, but for the first there is
            self._place(**wish)

    # --- what the model says ------------------------------------------------------------------------

    def _free_units(self):
        return STOCK - sum(o.units for o in self.orders if o.live)

    def _uses_left(self):
        return LIMIT - sum(o.coded for o in self.orders if o.live)

    def _gift_left(self):
        return GIFT - sum(o.gift - o.to_gift for o in self.orders if o.at != "failed")

    def _owed_left(self):
        return self.owed - sum(o.owed - o.to_owed for o in self.orders if o.at != "failed")

    def _next(self, o):
        """Where a worker who is left in peace brings an order in one run; two places where it is not yet certain."""
        if o.at not in WORKED_ON:
            return {o.at}
        if o.risky and not o.asked_about and o.age is None and o.at in ("placed", "pending"):
            return {"asked"}
        if not o.due or o.at == "authorized":
            return {"confirmed"}
        if o.script == "decline":
            return {"failed"}
        charge = self.gateway.charges.get(o.key)
        told = charge.state if charge else None
        late = (o.age or 0) > UNKNOWN_SECONDS
        nobody_knows = {"on_hold"} if late else {"pending"}
        if told in (AnswerState.AUTHORIZED, AnswerState.CAPTURED):
            return {"confirmed"}
        if told in (AnswerState.DECLINED, AnswerState.VOIDED):
            return {"failed"}
        if o.script == "challenge":
            return {"failed"} if late else {"challenge"}
        if o.script == "late" or o.script == "timeout_charged":
            return nobody_knows
        if o.script == "error_once":
            return {"confirmed"} if o.key in self.gateway._failed else nobody_knows
        if o.script == "timeout_lost":
            return self._next_of_lost(o, nobody_knows)
        return {"confirmed"}

    @staticmethod
    def _next_of_lost(o, nobody_knows):
        """Asked once, then looked for three times: a cut worker's look counts where it was written down."""
        if o.runs["whole"] >= 3:
            return {"failed"}
        if not o.runs["whole"]:
            return nobody_knows | ({"pending", "failed"} if o.runs["cut"] else set())
        return {"pending"} | ({"failed"} if o.runs.total() >= 3 else set())

    # --- what happens -------------------------------------------------------------------------------

    def _put(self, ref, code, possible, refusal):
        caller = self.member if ref.user_id else shop.ANONYMOUS
        if possible:
            offers.with_codes(ref, code, caller=caller)
            return True
        with pytest.raises(refusal):
            offers.with_codes(ref, code, caller=caller)
        return False

    @rule(wish=WISH, troubles=st.lists(st.none() | TROUBLES, max_size=3))
    def place_and_work(self, wish, troubles):
        if self._place(**wish):
            for trouble in troubles:
                self._work(self.orders[-1], trouble)

    def _place(self, units, script, member, coded, gift, owed, risky):
        who = self.member if member else shop.ANONYMOUS
        ref = shop.a_cart({self.mug: units}, who)
        coded = coded and self._put(ref, self.code, self._uses_left() > 0, UsedUp)
        gift = gift and self._put(ref, self.gift_code, self._gift_left() > 0, CodeEnded)
        offers.with_codes(ref, caller=who, credit=owed and member)
        wish = {"billing_address": shop.ADDRESS | {"country": "IE", "postal_code": "D02 X285"}} if risky else {}
        if units > self._free_units():
            with pytest.raises(OutOfStock):
                shop.order_cart(ref, who, token=f"tok_{script}", **wish)
            # A member's next cart shall be another one.
            run_unit(lambda: db.run("UPDATE carts SET state = 'merged' WHERE id = :id", id=ref.id))
            return False
        order = shop.order_cart(ref, who, token=f"tok_{script}", **wish)
        goods = 1000 * units
        assert order.total == goods - (goods // 10 if coded else 0) + SHIPPING
        by_card = min(order.total, self._gift_left()) if gift else 0
        by_credit = min(order.total - by_card, self._owed_left()) if owed and member else 0
        self.orders.append(Wanted(order, member, units, coded, by_card, by_credit, risky, script))
        return True

    def _one(self, n):
        return self.orders[n % len(self.orders)]

    @rule(n=WHICH, troubles=st.lists(st.none() | TROUBLES, min_size=1, max_size=3))
    def work(self, n, troubles):
        for trouble in troubles:
            self._work(self._one(n), trouble)

    def _work(self, o, trouble=None):
        """One run of a worker, to whom the order's time has come, in peace or not."""
        shop.let_lease_run_out(o.order)
        shop.come_due(o.order)
        expected, was = self._next(o), o.at
        self.trap, sprung = trouble and (o, *trouble), False
        with pytest.MonkeyPatch.context() as patch:
            for module in (processing, undoing, steps):
                patch.setattr(module, "run_unit", self._unit)
            self.units = self.calls = 0
            try:
                processing.process(o.order.id)
            except Cut:
                sprung = True
        disturbed, self.trap = trouble and self.trap is None, None
        if disturbed and trouble[0] == "cancel":
            assert o.at == "cancelled"
        elif sprung:
            allowed = expected | {was, "pending"} | ({"authorized"} if "confirmed" in expected else set())
            o.cuts += 1
            if o.cuts > steps.MOST_ATTEMPTS:
                allowed |= {"on_hold", "stuck"}
            o.at = self._seen(o)
            assert o.at in allowed
        else:
            if o.cuts >= steps.MOST_ATTEMPTS:
                expected = expected | {"on_hold", "stuck"}
            o.at = self._seen(o)
            assert o.at in expected
            o.cuts = 0
        self._note(o, was, "cut" if sprung or disturbed else "whole")

    def _note(self, o, was, how):
        asked = self.gateway_asked(o)
        if was in WORKED_ON and asked:
            o.runs[how] += 1
        o.asked_about = o.asked_about or o.at == "asked"
        if o.age is None and look("SELECT 1 FROM payment_attempts WHERE key = :key", key=o.key):
            o.age = 0

    def gateway_asked(self, o):
        """Whether a card was asked for in this round."""
        return any(key == o.key for _, key in self.gateway.calls)

    @staticmethod
    def _seen(o):
        row = look("SELECT status, payment_status, hold_reason FROM orders WHERE id = :id", id=o.order.id)[0]
        if row.status == "on_hold" and row.hold_reason != "needs_review":
            return "asked"
        return _AT.get((row.status, row.payment_status), row.status)

    # --- troubles -----------------------------------------------------------------------------------

    def _sprung(self, o, kinds, what):
        """Whether the trap is set for this; it is sprung once."""
        if self.trap is None or self.trap[0] is not o or self.trap[1] not in kinds or self.trap[2] != what:
            return None
        kind, self.trap = self.trap[1], None
        return kind

    def _answer(self, verb, key, usual):
        """The gateway's, with the trap around it."""
        o = next((o for o in getattr(self, "orders", ()) if key.startswith(str(o.order.id))), None)
        self.calls += o is not None  # what is asked about a card is no call about money
        call = self.calls if o else None
        kind = self._sprung(o, ("before", *DURING), call)
        if kind == "before":
            raise Cut
        if kind == "cancel":
            self._cancel(o)
        elif kind == "overtake":
            shop.let_lease_run_out(o.order)
            processing.process(o.order.id)
        elif kind == "webhook":
            self._tell(o)
        answer = type(self.gateway)._answer(self.gateway, verb, key, usual)
        if self._sprung(o, ("after",), call):
            raise Cut
        return answer

    def _unit(self, work):
        """`run_unit`, cut before or after its commit where the trap says so."""
        self.units += 1
        o = self.trap and self.trap[0]
        kind = self._sprung(o, COMMIT, self.units)
        if kind == "undone":

            def undone():
                work()
                raise Cut

            return run_unit(undone)
        found = run_unit(work)
        if kind == "committed":
            raise Cut
        return found

    # --- the shopper, the provider, staff and time ----------------------------------------------------

    @rule(n=WHICH, approved=st.booleans(), told=st.booleans())
    def answer_challenge(self, n, approved, told):
        o = self._one(n)
        self.gateway.settle(AnswerState.AUTHORIZED if approved else AnswerState.DECLINED, o.order.number)
        if told and o.key in self.gateway.charges:
            self._tell(o)

    def _tell(self, o, age=0, secret=WEBHOOK_SECRET, again=False):
        """What the provider says of the charge; what the shop answers."""
        self.told += not again
        told = {"id": f"evt_{self.mug.hex}_{self.told}", "type": "charge.updated"}
        body = json.dumps(told | {"charge": {"id": "ch_1", "key": o.key}}).encode()
        signature = sign(secret, int(clock.now().timestamp()) - age, body)
        return take_webhook("simulator", {HEADER: signature}.get, body)

    @rule(n=WHICH, kind=st.sampled_from(["twice", "old", "forged"]))
    def tell(self, n, kind):
        o = self._one(n)
        if kind == "twice":
            assert self._tell(o) is True
            assert self._tell(o, again=True) is False
            return
        with pytest.raises(BadWebhook):
            self._tell(o, age=400) if kind == "old" else self._tell(o, secret="another secret")

    @rule(n=WHICH)
    def cancel(self, n):
        self._cancel(self._one(n))

    @staticmethod
    def _cancel(o):
        shop.cancel(o.order)
        if o.at == "confirmed":
            o.give_back(o.left)
        elif o.at != "cancelled":
            o.to_card, o.to_gift, o.to_owed = o.due, o.gift, o.owed
        o.at, o.cuts = "cancelled", 0

    @rule(n=WHICH, script=st.sampled_from(SCRIPTS))
    def pay_again(self, n, script):
        o = self._one(n)
        refusal = self._cannot_pay(o)
        if refusal:
            with pytest.raises(refusal):
                shop.pay_again(o.order, f"tok_{script}")
            return
        shop.pay_again(o.order, f"tok_{script}")
        o.at, o.script, o.round, o.age, o.cuts, o.asked_about = "pending", script, o.round + 1, None, 0, False
        o.runs.clear()

    def _cannot_pay(self, o):
        if o.at != "failed":
            return NotPayable
        if o.units > self._free_units():
            return OutOfStock
        if o.coded and not self._uses_left():
            return UsedUp
        return CreditSpent if o.gift > self._gift_left() or o.owed > self._owed_left() else None

    @rule(n=WHICH, amount=st.sampled_from([1, 300, 1000, 5000]), anew=st.booleans())
    def refund(self, n, amount, anew):
        """By staff: to whatever paid, or as new credit of the member."""
        o = self._one(n)
        anew = anew and o.member

        def give_back():
            where = refunds.STORE_CREDIT if anew else refunds.ORIGINAL
            refunding.refund(o.order.number, Money(amount, "USD"), None, None, to=where)

        # Of a cancelled order all is on its way back, or nothing was taken.
        if o.at != "confirmed" or amount > o.left or not (anew or o.give_back(amount)):
            with pytest.raises(NotRefundable):
                run_unit(give_back)
            return
        run_unit(give_back)
        if anew:
            o.anew += amount
            self.owed += amount

    @rule(n=WHICH, how=st.sampled_from(["confirm", "approve", "reject"]))
    def decide_risk(self, n, how):
        o = self._one(n)

        def decide():
            if how == "confirm":
                return verifying.confirm(o.order.number, Viewer(staff=True), None)
            return getattr(verifying, how)(o.order.number, None, None)

        if o.at != "asked":
            if how != "confirm" or not o.asked_about:  # the shopper's word may come twice
                with pytest.raises(NotWaiting):
                    run_unit(decide)
            return
        run_unit(decide)
        if how == "reject":
            self._cancel(o)  # it is; again changes nothing
        else:
            o.at, o.cuts = "pending", 0

    @rule(amount=st.sampled_from([50, 400]))
    def owe_more(self, amount):
        offers.credit(self.member, amount)
        self.owed += amount

    @rule(n=WHICH)
    def wait_long(self, n):
        o = self._one(n)
        shop.grow_older(o.order, UNKNOWN_SECONDS + 1)
        if o.age is not None:
            o.age += UNKNOWN_SECONDS + 1

    @rule()
    def reconcile(self):
        self._reconcile()
        for o in self.orders:
            if o.cuts >= steps.MOST_ATTEMPTS or (o.at == "cancelled" and not o.ended()):
                continue
            assert self._breaks(o) == ({"payment_unknown"} if o.at == "on_hold" else set())

    @staticmethod
    def _breaks(o):
        open_ = look("SELECT kind FROM payment_breaks WHERE order_id = :id AND state = 'open'", id=o.order.id)
        return {row.kind for row in open_}

    def _reconcile(self):
        shop.let_pass(self.gateway, A_WHILE)
        earlier = "UPDATE payment_books SET checked_until = checked_until - make_interval(secs => :s)"
        with self.worker.app_context():
            run_unit(lambda: db.run(earlier, s=A_WHILE))
            reconciling.reconcile()
        for o in self.orders:
            if o.age is not None:
                o.age += A_WHILE

    # --- what must be true ----------------------------------------------------------------------------

    @invariant()
    def stock_promotion_and_credit_are_the_models(self):
        if not hasattr(self, "orders"):
            return
        sold = sum(o.units for o in self.orders if o.at in SOLD)
        assert stock_of(self.mug) == (STOCK - sold, sum(o.units for o in self.orders if o.live) - sold)
        used = LIMIT - self._uses_left()
        assert offers.uses_of(self.offer) == (used, used)
        assert offers.left_on(self.gift_card) == self._gift_left()
        owed = look("SELECT id FROM credits WHERE user_id = :id", id=self.member.user_id)[0].id
        assert offers.left_on(owed) == self._owed_left()

    @invariant()
    def orders_and_their_logs_are_the_models(self):
        if not getattr(self, "orders", None):
            return
        rows = look(
            "SELECT o.id, o.event_seq, count(e.seq) AS n, min(e.seq) AS first, max(e.seq) AS last"
            " FROM orders o LEFT JOIN order_events e ON e.order_id = o.id WHERE o.id = ANY(:ids) GROUP BY o.id",
            ids=[o.order.id for o in self.orders],
        )
        assert {(r.n, r.first, r.last) == (r.event_seq, 1, r.event_seq) for r in rows} == {True}
        assert [self._seen(o) for o in self.orders] == [o.at for o in self.orders]

    @invariant()
    def money_at_the_gateway_is_the_models(self):
        for o in getattr(self, "orders", ()):
            charges = self.gateway.charges_of(o.order)
            taken, back = sum(c.captured for c in charges), sum(c.refunded for c in charges)
            assert taken in (0, o.due)
            assert back <= taken
            if o.at == "confirmed":
                assert (taken, back <= o.to_card) == (o.due, True)
                if o.ended():
                    assert back == o.to_card
            elif o.at != "cancelled":
                assert back == 0
                assert taken == 0 or o.at in ("authorized", "stuck")

    @invariant()
    def the_members_spend_is_the_models(self):
        if not getattr(self, "orders", None):
            return
        bought = [o for o in self.orders if o.member and o.at == "confirmed"]
        back = look(
            "SELECT coalesce(sum(refunded_minor), 0)::bigint AS n FROM payments WHERE order_id = ANY(:ids)",
            ids=[o.order.id for o in bought],
        )[0].n
        member = look("SELECT spent_minor, order_count FROM users WHERE id = :id", id=self.member.user_id)[0]
        kept = sum(o.left + o.to_card for o in bought) - back
        assert member == (kept, len(bought))

    def teardown(self):
        """Whatever was begun comes to an end, and then nothing is reserved and nothing was taken for nothing."""
        for o in getattr(self, "orders", ()):
            if o.at in ("on_hold", "stuck", "asked"):
                self._cancel(o)
        for _ in range(2):
            for o in getattr(self, "orders", ()):
                self._end(o)
            if getattr(self, "orders", None):
                self._reconcile()
        for o in getattr(self, "orders", ()):
            o.at = self._seen(o)
            assert o.at in ("confirmed", "failed", "cancelled")
            charges = self.gateway.charges_of(o.order)
            open_ = (AnswerState.AUTHORIZED, AnswerState.PENDING, AnswerState.REQUIRES_ACTION)
            assert [c for c in charges if c.state in open_] == []
            kept = sum(c.captured - c.refunded for c in charges)
            assert kept == (o.due - o.to_card if o.at != "failed" else 0)
            assert self._breaks(o) == set()
        self.stock_promotion_and_credit_are_the_models()
        self.the_members_spend_is_the_models()

    def _end(self, o):
        for _ in range(20):
            self.gateway.settle(AnswerState.AUTHORIZED, o.order.number)
            shop.let_lease_run_out(o.order)
            shop.come_due(o.order)
            processing.process(o.order.id)
            at = self._seen(o)
            if at in ("asked", "on_hold", "stuck"):
                self._cancel(o)
            elif o.ended():
                o.at = at
                return
        raise AssertionError(f"{o} does not end")


@pytest.mark.timeout(3600)  # for the long run
def test_orders_of_any_fate_agree_with_their_model(core, gateway, settings):
    worker = create_app(role="worker", settings=settings)  # which alone may compare the books
    rules = {known: Weight(0, 1, 1, on=False) for known in Rule} | {Rule.COUNTRIES: Weight(10)}
    run_unit(lambda: shop_settings.set_value(RISK, policy_document(Policy(rules, confirm_from=10, review_from=100))))
    run_machine(
        lambda: Orders(gateway, worker),
        settings=hypothesis.settings(max_examples=RUNS, stateful_step_count=STEPS, deadline=None),
    )
