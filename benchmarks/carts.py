"""What a cart costs: adding to it under load, and the quote of a small and of a large one.

    python -m benchmarks.carts [--buyers 16] [--seconds 20]

Prints additions per second with their latencies, each answered with the whole priced cart (five additions to a cart),
then the time and the statements of a quote with 1, 10 and 100 lines, asked by one buyer on the otherwise idle shop.
"""

from __future__ import annotations

import argparse
import random
import threading
import time
from collections import Counter

import psycopg2

from benchmarks.client import Client, Refused
from benchmarks.purchase import ADDRESS, WARM_UP_SECONDS, Window, in_ms, make_products, print_usage
from benchmarks.shop import RunningShop, find
from quickshop.runtime.database_roles import role_of

ADDITIONS = 5  # to one cart, before the next one is begun
LINES = (1, 10, 100)
QUOTES, WARM_UP_QUOTES = 200, 20


def _fill(client: Client, variants: list[str], rng: random.Random, took: list[float]) -> dict[str, str]:
    """A new cart with one unit of each variant; the header that names it."""
    mine: dict[str, str] = {}
    for variant in variants:
        began = time.perf_counter()
        cart = client.call("POST", "/api/v1/cart/items", {"variant_id": variant, "quantity": rng.randint(1, 3)}, mine)
        took.append(time.perf_counter() - began)
        mine = {"X-Cart-Token": cart["token"]}
    return mine


def add(shop: RunningShop, variants: list[str], buyers: int, seconds: float, seed: str) -> None:
    """Have buyers fill carts for a while, and print what came of it."""
    took: list[float] = []
    refused: Counter[str] = Counter()
    stop, counting = threading.Event(), threading.Event()

    def buyer(number: int) -> None:
        client, rng = Client(shop.url), random.Random(f"{seed}-{number}")
        while not stop.is_set():
            times: list[float] = []
            try:
                _fill(client, rng.sample(variants, ADDITIONS), rng, times)
            except Refused as refusal:
                refused[str(refusal)] += 1
            if counting.is_set():
                took.extend(times)

    threads = [threading.Thread(target=buyer, args=(i,), daemon=True) for i in range(buyers)]
    for thread in threads:
        thread.start()
    time.sleep(WARM_UP_SECONDS)
    window = Window(shop)
    counting.set()
    began = time.perf_counter()
    time.sleep(seconds)
    counting.clear()
    counted = time.perf_counter() - began
    window.end()
    stop.set()
    for thread in threads:
        thread.join(30)
    print(f"added to carts {len(took) / counted:7.1f} requests/s   ({len(took)} in {counted:.1f} s)")
    print(f"POST /cart/items    {in_ms(took)}")
    if refused:
        print("refused:", dict(refused))
    print_usage(window)


def _web_statements(shop: RunningShop) -> int:
    """How many statements the web processes have run so far; those of workers and relay are left out."""
    with psycopg2.connect(shop.database_url) as database, database.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid"
            " WHERE r.rolname = %s",
            (role_of("web"),),
        )
        return int(cursor.fetchone()[0])


def quote(shop: RunningShop, variants: list[str], lines: int, seed: str) -> None:
    """Quote one cart again and again, and print what one quote costs."""
    client, rng = Client(shop.url), random.Random(f"{seed}-{lines}")
    mine = _fill(client, rng.sample(variants, lines), rng, [])
    body = {"shipping_address": ADDRESS, "shipping_method": "standard"}
    took: list[float] = []
    for asked in range(WARM_UP_QUOTES + QUOTES):
        if asked == WARM_UP_QUOTES:
            window, before = Window(shop), _web_statements(shop)
            took.clear()
        began = time.perf_counter()
        client.call("POST", "/api/v1/checkout/quote", body, mine)
        took.append(time.perf_counter() - began)
    window.end()
    statements = (_web_statements(shop) - before) / QUOTES
    web = window.after["usage"]["web"].cpu - window.before["usage"]["web"].cpu
    print(
        f"quote of {lines:3} lines  {in_ms(took)}, web {web / QUOTES * 1000:.1f} ms of CPU, {statements:.1f} statements"
    )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--buyers", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--seed", default="1")
    args = parser.parse_args()
    shop = find()
    variants = make_products(shop, max(LINES))
    for number in range(args.runs):
        print(f"run {number + 1} of {args.runs}: {args.buyers} buyers, {args.seconds:.0f} s")
        add(shop, variants, args.buyers, args.seconds, args.seed)
    for lines in LINES:
        quote(shop, variants, lines, args.seed)


if __name__ == "__main__":
    main()
