"""`make flood`: VIP orders, more than the workers can serve, while standard orders trickle in: nobody starves.

Prints how many orders of each class were placed, confirmed, and how long they waited for a worker. Fails when a
standard order waits over a minute, or none is confirmed in some ten seconds of the flood.
"""

import argparse
import itertools
import random
import sys
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

from quickshop.kernel import db
from quickshop.kernel.unit_of_work import run_unit
from quickshop.security.passwords import hash_password
from tests.factories.shop import a_member
from tests.factories.waiting import eventually
from tests.faults.buyers import Buyer, History
from tests.faults.shops import products, storm_shop

VIPS = 8
SLICE = 10
LONGEST_WAIT = 60.0
_PASSWORD = "Cobalt-Harvest-27"

_WAITS = """
SELECT o.priority, p.step = 'done', extract(epoch FROM coalesce(p.started_at, now()) - p.waiting_since)::float,
       extract(epoch FROM o.confirmed_at - %s)::float
FROM order_processing p JOIN orders o ON o.id = p.order_id
"""


def vip_tokens(shop, app, count):
    """Access tokens of that many VIP members."""
    with app.app_context():
        hashed = hash_password(_PASSWORD)
        names = [a_member(vip=True).username for _ in range(count)]
        run_unit(
            lambda: db.run("UPDATE users SET password_hash = :hash WHERE username = ANY(:n)", hash=hashed, n=names)
        )
    visitor = Buyer(shop.url, History())
    signed_in = [visitor.call("POST", "/auth/login", {"login": name, "password": _PASSWORD}) for name in names]
    return [answer.json()["access_token"] for answer in signed_in]


def flood(shop, tokens, variants, history, *, seconds, vip_rate, standard_rate):
    """VIPs buy at `vip_rate` orders a second between them, guests at `standard_rate`, for `seconds`."""
    over = time.monotonic() + seconds
    turns = itertools.count()
    lock = threading.Lock()

    def next_turn(rate, began):
        with lock:
            return began + next(turns) / rate

    def vip(token):
        buyer, dice, began = Buyer(shop.url, history, access_token=token), random.Random(token), over - seconds
        while (due := next_turn(vip_rate, began)) < over:
            time.sleep(max(0.0, due - time.monotonic()))  # the rhythm of the load
            if time.monotonic() > over:
                return
            buyer.buy({dice.choice(variants): 1}, "tok_approve")

    def standard(_):
        buyer, began = Buyer(shop.url, history), over - seconds
        for turn in range(int(seconds * standard_rate)):
            time.sleep(max(0.0, began + turn / standard_rate - time.monotonic()))
            buyer.buy({variants[0]: 1}, "tok_approve")

    with ThreadPoolExecutor(len(tokens) + 1) as pool:
        work = [pool.submit(vip, token) for token in tokens] + [pool.submit(standard, None)]
        for one in work:
            one.result()


def percentile(values, share):
    """The value below which this share lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def report(pair, began, seconds):
    """{class: (placed, ended, waits in seconds, confirmations per slice of the flood)}."""
    found = defaultdict(lambda: [0, 0, [], [0] * max(1, int(seconds // SLICE))])
    for priority, ended, wait, confirmed in pair.run(_WAITS, began):
        row = found[priority]
        row[0] += 1
        row[1] += ended
        row[2].append(max(0.0, wait))
        if confirmed is not None and 0 <= confirmed < len(row[3]) * SLICE:
            row[3][int(confirmed // SLICE)] += 1
    return dict(found)


def standard_ended(pair):
    """Whether no standard order is left to do."""
    return not pair.run(
        "SELECT 1 FROM order_processing p JOIN orders o ON o.id = p.order_id"
        " WHERE p.step <> 'done' AND o.priority = 'standard' LIMIT 1"
    )


def run(*, seconds, vip_rate, standard_rate, latency_ms):
    """One flood over one shop; what `report` says of it, and the buyers' history."""
    with storm_shop(GATEWAY_LATENCY_MS=str(latency_ms)) as (shop, app):
        variants = products(app, count=4, stock=10**6)
        tokens = vip_tokens(shop, app, VIPS)
        history = History()
        began = shop.pair.run("SELECT clock_timestamp()")[0][0]
        flood(shop, tokens, variants, history, seconds=seconds, vip_rate=vip_rate, standard_rate=standard_rate)
        waiting = shop.pair.run("SELECT count(*) FROM order_processing WHERE step <> 'done'")[0][0]
        eventually(lambda: standard_ended(shop.pair), within=LONGEST_WAIT + 30, every=0.2)
        return report(shop.pair, began, seconds), history, waiting


def faults_of(found, history):
    """What went wrong, as sentences; none where nobody starved."""
    placed, ended, waits, slices = found.get("standard", (0, 0, [], []))
    wrong = []
    if not placed or ended != placed:
        wrong.append(f"{placed - ended} of {placed} standard orders did not end")
    if waits and max(waits) > LONGEST_WAIT:
        wrong.append(f"a standard order waited {max(waits):.1f} s")
    wrong += [f"no standard order was confirmed from second {n * SLICE} on" for n, c in enumerate(slices) if not c]
    errors = {status: n for status, n in history.statuses.items() if status >= 500 and status != 503}
    return wrong + ([f"buyers saw errors: {errors}"] if errors else [])


def show(found, waiting):
    """The table."""
    print(f"{waiting} orders were waiting or under way when the flood ended")
    print(f"  {'class':<9} {'placed':>7} {'ended':>7} {'wait p50':>9} {'p95':>9} {'max':>9}   confirmed per {SLICE} s")
    for name in ("vip", "high", "standard"):
        if name in found:
            placed, ended, waits, slices = found[name]
            p50, p95, most = percentile(waits, 0.5), percentile(waits, 0.95), max(waits)
            print(f"  {name:<9} {placed:>7} {ended:>7} {p50:>7.2f} s {p95:>7.2f} s {most:>7.2f} s   {slices}")


def main():
    """The command; 1 where standard orders starve."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.vip_flood", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--vip-rate", type=float, default=20.0, help="VIP orders a second")
    parser.add_argument("--standard-rate", type=float, default=1.0, help="standard orders a second")
    parser.add_argument("--latency-ms", type=int, default=200, help="what each call to the gateway takes")
    args = parser.parse_args()
    print("starting a shop", flush=True)
    found, history, waiting = run(
        seconds=args.seconds, vip_rate=args.vip_rate, standard_rate=args.standard_rate, latency_ms=args.latency_ms
    )
    show(found, waiting)
    wrong = faults_of(found, history)
    print("\n".join(wrong) or "Standard orders went on being confirmed.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
