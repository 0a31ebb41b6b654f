"""Orders processed end to end with a gateway that takes 50 ms a call: how many a second, per worker and per core; and
who waits how long, by class, when twice as many orders come as can be served.

    python -m benchmarks.processing [--orders 400] [--seconds 20] [--latency-ms 50] [--vip-slots 3] [--fair-slots 1]

Starts a shop of its own. First a backlog is placed while the workers stand still, and they are let go: what they do
then is their speed alone. Then orders of all classes come at twice that speed (or as many as can be placed).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg2

from benchmarks.client import Client, Refused
from benchmarks.machine import machine
from benchmarks.purchase import ADDRESS, make_products, percentile
from benchmarks.shop import RunningShop, find, own_shop, usage

WORKERS = ("worker-a", "worker-b")
# Of ten orders; a high-value one has so many units that it passes the threshold.
MIX = ("vip", "high", "high", "standard", "standard", "standard", "standard", "standard", "standard", "standard")
HIGH_UNITS = 60


class Database:
    """The shop's database, looked at from outside."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg2.connect(url)
        self._connection.autocommit = True

    def rows(self, sql: str, *values: Any) -> list[Any]:
        """The rows of a query."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return cursor.fetchall()

    def waiting(self) -> int:
        """How many orders are not done."""
        return int(self.rows("SELECT count(*) FROM order_processing WHERE step <> 'done'")[0][0])


@contextlib.contextmanager
def standing_still(shop: RunningShop) -> Iterator[None]:
    """The order workers and their children do nothing for as long as this is open."""
    parents = [psutil.Process(shop.processes[name]) for name in WORKERS]
    family = [p for parent in parents for p in (parent, *parent.children(recursive=True))]
    for process in family:
        process.suspend()
    try:
        yield
    finally:
        for process in family:
            process.resume()


class Shoppers:
    """Place orders of all classes, by as many threads as there are clients; the first one is the VIP."""

    def __init__(self, shop: RunningShop, variants: list[str], vip_token: str, count: int) -> None:
        self._variants, self._vip = variants, {"Authorization": f"Bearer {vip_token}"}
        self._clients = [Client(shop.url) for _ in range(count)]
        self.refused = 0

    def place(self, number: int, rate: float | None) -> float:
        """So many orders, at a rate or as fast as can be; the seconds it took."""
        dice = random.Random(7)
        plan = [dice.choice(MIX) for _ in range(number)]
        vips = [i for i, kind in enumerate(plan) if kind == "vip"]
        others = [i for i, kind in enumerate(plan) if kind != "vip"]
        began = time.perf_counter()
        lanes = [vips, *(others[i :: len(self._clients) - 1] for i in range(len(self._clients) - 1))]
        threads = [
            threading.Thread(target=self._lane, args=(client, lane, plan, rate, began))
            for client, lane in zip(self._clients, lanes, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.perf_counter() - began

    def _lane(self, client: Client, turns: list[int], plan: list[str], rate: float | None, began: float) -> None:
        dice = random.Random(repr(turns[:1]))
        for turn in turns:
            if rate:
                time.sleep(max(0.0, began + turn / rate - time.perf_counter()))
            try:
                self._buy(client, plan[turn], dice)
            except Refused:
                self.refused += 1

    def _buy(self, client: Client, kind: str, dice: random.Random) -> None:
        mine = dict(self._vip) if kind == "vip" else {}
        units = HIGH_UNITS if kind == "high" else 1
        line = {"variant_id": dice.choice(self._variants), "quantity": units}
        cart = client.call("POST", "/api/v1/cart/items", line, mine)
        if kind != "vip":
            mine = {"X-Cart-Token": cart["token"]}
        asked = {"shipping_address": ADDRESS, "shipping_method": "standard"}
        quote = client.call("POST", "/api/v1/checkout/quote", asked, mine)
        order = asked | {"payment": {"token": f"tok_approve:{dice.getrandbits(40):x}"}}
        order["expected_total"] = quote["totals"]["total"]
        if kind != "vip":
            order["email"] = f"bench-{dice.getrandbits(48):x}@load.quickshop.example"
        client.call("POST", "/api/v1/orders", order, mine | {"Idempotency-Key": f"{dice.getrandbits(96):x}"})


def speed(shop: RunningShop, shoppers: Shoppers, database: Database, orders: int, slots: int) -> float:
    """Orders a second that the workers do when they only have to take them; prints it."""
    with standing_still(shop):
        shoppers.place(orders, None)
        waiting = database.waiting()
        before = usage({name: shop.processes[name] for name in WORKERS})
        began = time.perf_counter()
    while database.waiting():
        time.sleep(0.02)
    seconds = time.perf_counter() - began
    after = usage({name: shop.processes[name] for name in WORKERS})
    cpu = sum(after[name].cpu - before[name].cpu for name in WORKERS)
    rate = waiting / seconds
    print(f"{waiting} orders processed end to end in {seconds:.1f} s: {rate:.1f} a second,")
    print(f"  {rate / slots:.1f} per worker slot (of {slots}), {waiting / cpu:.0f} per second of a core of the workers")
    return rate


_WAITS = """
SELECT o.priority, extract(epoch FROM coalesce(p.started_at, now()) - o.placed_at)::float,
       extract(epoch FROM o.confirmed_at - p.started_at)::float, o.confirmed_at IS NOT NULL
FROM order_processing p JOIN orders o ON o.id = p.order_id WHERE o.placed_at >= %s
"""


def overload(shoppers: Shoppers, database: Database, rate: float, seconds: float) -> None:
    """Twice as many orders as can be served, for a while; prints who waited how long."""
    since = database.rows("SELECT clock_timestamp()")[0][0]
    took = shoppers.place(int(2 * rate * seconds), 2 * rate)
    placed = database.rows("SELECT count(*) FROM orders WHERE placed_at >= %s", since)[0][0]
    left = database.waiting()
    print(f"overload: {placed} orders in {took:.1f} s, {placed / took / rate:.1f} times what can be served; ", end="")
    print(f"{left} wait at its end, {shoppers.refused} were refused")
    while database.waiting():
        time.sleep(0.1)
    for name in ("vip", "high", "standard"):
        found = [row for row in database.rows(_WAITS, since) if row[0] == name]
        waits, works = [row[1] for row in found], [row[2] for row in found if row[2] is not None]
        print(
            f"  {name:<9}{len(found):>5} orders, {sum(row[3] for row in found)} confirmed; wait "
            f"p50 {percentile(waits, 0.5):.2f} s, p95 {percentile(waits, 0.95):.2f} s, "
            f"longest {max(waits, default=0):.2f} s; "
            f"processing p50 {percentile(works, 0.5) * 1000:.0f} ms, p95 {percentile(works, 0.95) * 1000:.0f} ms"
        )


def _vip_token(shop: RunningShop) -> str:
    demo = json.loads((Path(os.environ["QUICKSHOP_HOME"]) / "demo.json").read_text())
    who = demo["accounts"]["vip"]
    body = {"login": who["login"], "password": who["password"]}
    return str(Client(shop.url).call("POST", "/api/v1/auth/login", body)["access_token"])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--latency-ms", type=int, default=50)
    parser.add_argument("--vip-slots", type=int, default=3, help="slots of group A, which serves VIPs first")
    parser.add_argument("--fair-slots", type=int, default=1, help="slots of group B, which serves standard first")
    parser.add_argument("--shoppers", type=int, default=12)
    args = parser.parse_args()
    os.environ |= {
        "GATEWAY_LATENCY_MS": str(args.latency_ms),
        "WORKER_A_SLOTS": str(args.vip_slots),
        "WORKER_B_SLOTS": str(args.fair_slots),
    }
    print(f"{machine()}. Client, shop and database share the machine; the gateway takes {args.latency_ms} ms a call.")
    with own_shop():
        shop = find()
        database = Database(shop.database_url)
        shoppers = Shoppers(shop, make_products(shop, 20), _vip_token(shop), args.shoppers)
        shoppers.place(30, None)  # everything is warm then
        while database.waiting():
            time.sleep(0.1)
        rate = speed(shop, shoppers, database, args.orders, args.vip_slots + args.fair_slots)
        overload(shoppers, database, rate, args.seconds)


if __name__ == "__main__":
    main()
