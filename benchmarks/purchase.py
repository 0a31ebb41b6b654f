"""The whole purchase by API: two lines, address, shipping, payment, placed; until every order is confirmed.

    python -m benchmarks.purchase [--buyers 16] [--seconds 30] [--token tok_approve]

Prints orders placed and confirmed per second, latencies, statements and commits per order, CPU and memory per
process, and beside them the same order transaction as bare SQL on the same database.
"""

from __future__ import annotations

import argparse
import random
import statistics
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import psycopg2

from benchmarks import bare_sql
from benchmarks.client import Client, Refused
from benchmarks.shop import RunningShop, Usage, find, usage

ADDRESS = {
    "name": "Ada Example",
    "line1": "1 Loop Street",
    "city": "Springfield",
    "postal_code": "62701",
    "region": "IL",
    "country": "US",
}
WARM_UP_SECONDS = 3.0
STOCK = 10_000_000


@dataclass
class Tally:
    """What the buyers saw. Times in seconds."""

    placed: list[float] = field(default_factory=list)
    purchase: list[float] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0  # how long they were counted


def make_products(shop: RunningShop, count: int) -> list[str]:
    """Products of the benchmark's own with ample stock; their variant ids."""
    client, mark = Client(shop.url), uuid.uuid4().hex[:8]
    headers = {"Authorization": f"Bearer {shop.staff_token()}"}
    category = client.call(
        "POST", "/api/v1/admin/categories", {"slug": f"bench-{mark}", "name": f"Benchmark {mark}"}, headers
    )
    variants = []
    for i in range(count):
        body = {
            "slug": f"bench-{mark}-{i}",
            "name": f"Benchmark product {i}",
            "category_id": category["id"],
            "currency": "USD",
            "variants": [
                {
                    "sku": f"BENCH-{mark}-{i}",
                    "price": {"amount": 1000 + 37 * i, "currency": "USD"},
                    "stock": STOCK,
                }
            ],
        }
        made = client.call("POST", "/api/v1/admin/products", body, headers)
        variants += made["variants"].values()
    return variants


def buy(client: Client, variants: list[str], token: str, rng: random.Random) -> float:
    """One purchase; the seconds its POST /orders took."""
    first, second = rng.sample(variants, 2)
    cart = client.call("POST", "/api/v1/cart/items", {"variant_id": first, "quantity": rng.randint(1, 3)})
    mine = {"X-Cart-Token": cart["token"]}
    client.call("POST", "/api/v1/cart/items", {"variant_id": second, "quantity": 1}, mine)
    quote = client.call(
        "POST", "/api/v1/checkout/quote", {"shipping_address": ADDRESS, "shipping_method": "standard"}, mine
    )
    order = {
        "shipping_address": ADDRESS,
        "shipping_method": "standard",
        "payment": {"token": token},
        "expected_total": quote["totals"]["total"],
        "email": f"bench-{rng.getrandbits(48):x}@load.quickshop.example",
    }
    began = time.perf_counter()
    client.call("POST", "/api/v1/orders", order, {**mine, "Idempotency-Key": f"{rng.getrandbits(96):x}"})
    return time.perf_counter() - began


def run_buyers(shop: RunningShop, variants: list[str], args: argparse.Namespace) -> tuple[Tally, Window]:
    """Let the buyers buy for a while; what they saw and what was used between warm-up and end."""
    tally, stop, counting = Tally(), threading.Event(), threading.Event()

    def buyer(number: int) -> None:
        client, rng = Client(shop.url), random.Random(f"{args.seed}-{number}")
        while not stop.is_set():
            began = time.perf_counter()
            try:
                took = buy(client, variants, args.token, rng)
            except Refused as refusal:
                tally.refused[str(refusal)] += 1
                continue
            if counting.is_set():
                tally.placed.append(took)
                tally.purchase.append(time.perf_counter() - began)

    threads = [threading.Thread(target=buyer, args=(i,), daemon=True) for i in range(args.buyers)]
    for thread in threads:
        thread.start()
    time.sleep(WARM_UP_SECONDS)
    window = Window(shop)
    counting.set()
    began = time.perf_counter()
    time.sleep(args.seconds)
    counting.clear()
    tally.seconds = time.perf_counter() - began
    window.end()
    stop.set()
    for thread in threads:
        thread.join(30)
    return tally, window


class Window:
    """What the shop did and used between two moments."""

    def __init__(self, shop: RunningShop) -> None:
        self._shop = shop
        self._database = psycopg2.connect(shop.database_url)
        self._database.autocommit = True
        self.before = self._look()
        self.seconds = 0.0
        self.after = self.before

    def end(self) -> None:
        """The window closes."""
        self.after = self._look()
        self.seconds = self.after["at"] - self.before["at"]

    def _one(self, sql: str) -> Any:
        with self._database.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()

    def _look(self) -> dict[str, Any]:
        confirmed = self._one("SELECT count(*), now() FROM orders WHERE confirmed_at IS NOT NULL")
        at = time.perf_counter()  # a look takes a while on a busy machine
        commits = self._one("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
        try:
            calls = self._one("SELECT coalesce(sum(calls), 0) FROM pg_stat_statements")[0]
        except psycopg2.Error:
            calls = None
        return {
            "at": at,
            "confirmed": confirmed[0],
            "commits": commits[0],
            "calls": calls,
            "usage": usage(self._shop.processes),
        }

    def wait_for_rest(self) -> float:
        """Seconds until no order is waiting any more."""
        began = time.perf_counter()
        while self._one("SELECT count(*) FROM order_processing WHERE step <> 'done'")[0]:
            time.sleep(0.1)
        return time.perf_counter() - began

    def confirmation_times(self) -> list[float]:
        """Seconds from placed to confirmed of the orders confirmed in the window."""
        with self._database.cursor() as cursor:
            cursor.execute(
                "SELECT extract(epoch FROM confirmed_at - placed_at)::float FROM orders"
                " WHERE confirmed_at > now() - make_interval(secs => %s)",
                (self.seconds + 5,),
            )
            return [r[0] for r in cursor.fetchall()]


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of all lie."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else float("nan")


def in_ms(values: list[float]) -> str:
    """p50 and p95 for people."""
    return f"p50 {percentile(values, 0.5) * 1000:.0f} ms, p95 {percentile(values, 0.95) * 1000:.0f} ms"


def print_report(tally: Tally, window: Window, rest: float) -> None:
    """All figures of a run."""
    placed, confirmed = len(tally.placed), window.after["confirmed"] - window.before["confirmed"]
    rates = placed / tally.seconds, confirmed / window.seconds
    print(f"whole purchases, placed and confirmed: {min(rates):.1f} a second")
    print(f"placed     {rates[0]:7.1f} orders/s   ({placed} in {tally.seconds:.1f} s)")
    print(f"confirmed  {rates[1]:7.1f} orders/s   (the rest took {rest:.1f} s more)")
    print(f"POST /orders        {in_ms(tally.placed)}")
    print(f"whole purchase      {in_ms(tally.purchase)}")
    print(f"placed to confirmed {in_ms(window.confirmation_times())}")
    commits = window.after["commits"] - window.before["commits"]
    print(f"commits per order   {commits / max(1, confirmed):.1f} (of the whole shop, polls included)")
    if window.before["calls"] is not None:
        calls = window.after["calls"] - window.before["calls"]
        print(f"statements per order {float(calls) / max(1, confirmed):.1f} (of the whole shop, polls included)")
    if tally.refused:
        print("refused:", dict(tally.refused))
    print_usage(window)


def print_usage(window: Window) -> None:
    """CPU (of one core) and memory per process."""
    before: dict[str, Usage] = window.before["usage"]
    for name, now in sorted(window.after["usage"].items()):
        used = now.cpu - before.get(name, Usage(0, 0)).cpu
        print(f"  {name:10} {100 * used / window.seconds:6.0f} % of a core   {now.memory / 2**20:6.0f} MiB")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--buyers", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--products", type=int, default=50)
    parser.add_argument("--token", default="tok_approve")
    parser.add_argument("--seed", default="1")
    args = parser.parse_args()
    shop = find()
    variants = make_products(shop, args.products)
    rates = []
    for number in range(args.runs):
        print(f"run {number + 1} of {args.runs}: {args.buyers} buyers, {args.seconds:.0f} s, {args.token}")
        tally, window = run_buyers(shop, variants, args)
        print_report(tally, window, window.wait_for_rest())
        rates.append((window.after["confirmed"] - window.before["confirmed"]) / window.seconds)
    bare = bare_sql.orders_per_second(shop.database_url, variants, args.buyers, min(10.0, args.seconds))
    print(f"the same order transaction as bare SQL: {bare:.0f} orders/s")
    print(
        f"median confirmed: {statistics.median(rates):.1f} orders/s, {statistics.median(rates) / bare:.2f} of bare SQL"
    )


if __name__ == "__main__":
    main()
