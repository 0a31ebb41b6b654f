"""`make storm`: orders by HTTP, some of them cancelled, while workers are killed at random, the relay dies once and
Redis is emptied once.

Then every order, cent, unit and log entry is checked. The same seed repeats the same plan.
"""

import argparse
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.faults.buyers import Buyer, History
from tests.faults.checker import Check, check, work_left
from tests.faults.nemesis import Nemesis
from tests.faults.shops import products, stock_on_hand, storm_shop

BUYERS = 8
BURST = 20
# How shoppers pay, in hundredths: most cards work, some are declined, some gateways' answers are lost or late.
_CARDS = (("tok_approve", 84), ("tok_decline", 6), ("tok_error_once", 4), ("tok_late", 3), ("tok_timeout_charged", 2),
          ("tok_timeout_lost", 1))  # fmt: skip
CANCELLED, REGRET_SECONDS = 0.15, 4.0  # which part of the orders is cancelled, and how long after at most


@dataclass(frozen=True)
class Plan:
    """How a storm goes: seconds between kills, seconds in which orders come, seconds allowed after the last fault."""

    orders: int
    seed: int
    pause: tuple = (5.0, 15.0)
    lasts: float = 75.0
    grace: float = 60.0
    settings: dict = field(default_factory=lambda: {"GATEWAY_LATENCY_MS": "250"})


@dataclass
class Outcome:
    """What a storm left."""

    checks: list
    faults: list
    history: History
    placing_seconds: float
    settled_after: float | None

    @property
    def holds(self):
        """Whether everything that must be true is."""
        return all(c.holds for c in self.checks)


def run(plan):
    """One storm over one shop; its outcome."""
    with storm_shop(**plan.settings) as (shop, app):
        variants = products(app)
        before = stock_on_hand(shop.pair)
        history = History()
        nemesis = Nemesis(shop, plan.seed, pause=plan.pause, lasts=plan.lasts)
        nemesis.start()
        took = _place(shop, plan, variants, history)
        last_fault = nemesis.finish()
        settled = _settle(shop.pair, last_fault, plan.grace)
        ended = _took("every order ended within {:.0f} s of the last fault", plan.grace, settled)
        checks = [ended, *check(shop.pair, shop.ledger(), history, before)]
        return Outcome(checks, nemesis.faults, history, took, settled)


def _place(shop, plan, variants, history):
    """Place the orders in bursts over the storm, so that faults find queues with work in them; how long it took."""
    began = time.monotonic()
    every = plan.lasts / plan.orders * BURST

    def one_buyer(number):
        buyer, dice = Buyer(shop.url, history), random.Random(f"{plan.seed}-{number}")
        for turn in range(number, plan.orders, BUYERS):
            time.sleep(max(0.0, began + turn // BURST * every - time.monotonic()))  # the rhythm of the load
            items = {v: dice.randint(1, 3) for v in dice.sample(variants, dice.randint(1, 3))}
            names, weights = zip(*_CARDS, strict=True)
            number_of = buyer.buy(items, dice.choices(names, weights)[0])
            if number_of is not None and dice.random() < CANCELLED:
                time.sleep(dice.random() * REGRET_SECONDS)  # a shopper's regret, not a synchronisation
                buyer.cancel(number_of)

    with ThreadPoolExecutor(BUYERS) as pool:
        list(pool.map(one_buyer, range(BUYERS)))
    return time.monotonic() - began


def _settle(pair, last_fault, grace):
    """Wait until nothing is left to do; the seconds from the last fault to the last order's end, None without one."""
    ended_at = None
    while time.monotonic() < last_fault + grace + 15:
        steps, *rest = work_left(pair)
        if steps == 0 and ended_at is None:
            ended_at = time.monotonic()
        if ended_at is not None and not any(rest):
            break
        time.sleep(0.2)
    return None if ended_at is None else max(0.0, ended_at - last_fault)


def _took(text, grace, seconds):
    holds = seconds is not None and seconds <= grace
    return Check(text.format(grace), holds, "never" if seconds is None else f"the last after {seconds:.1f} s")


def show(outcome, plan):
    """Print what happened and what holds."""
    print(f"seed {plan.seed}: {len(outcome.history.accepted)} orders accepted in {outcome.placing_seconds:.0f} s")
    for second, what in outcome.faults:
        print(f"  {second:6.1f} s  {what}")
    if outcome.history.refused:
        print("  refused: " + ", ".join(f"{n} x {code}" for code, n in outcome.history.refused.items()))
    width = max(len(c.name) for c in outcome.checks)
    for c in outcome.checks:
        print(f"  {'ok  ' if c.holds else 'FAIL'}  {c.name:<{width}}  {c.figures}")
    print("Nothing was lost and nothing doubled." if outcome.holds else "The shop did not come through whole.")


def main():
    """The command; 1 where a check fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.storm", description=__doc__)
    parser.add_argument("--orders", type=int, default=300)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--seconds", type=float, default=75.0, help="how long orders come and faults happen")
    args = parser.parse_args()
    plan = Plan(args.orders, args.seed, lasts=args.seconds)
    print(f"seed {plan.seed}; starting a shop", flush=True)
    outcome = run(plan)
    show(outcome, plan)
    return 0 if outcome.holds else 1


if __name__ == "__main__":
    sys.exit(main())
