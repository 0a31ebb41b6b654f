"""Whether signing in holds up those who look at the catalogue: its latency at rest, and while many sign in.

    python -m benchmarks.logins [--rate 20] [--seconds 20] [--runs 3]

Members sign in at a steady rate, whether or not the earlier ones are done; beside them the product list is read 40
times a second over four connections. Prints both latencies and their ratio. Starts a shop if none runs.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from benchmarks.client import Client, Refused
from benchmarks.purchase import percentile
from benchmarks.shop import a_shop, find

MEMBERS = 20
PASSWORD = "Steady-Harbour-58"
CATALOGUE = "/api/v1/products"
READERS, READS_PER_SECOND = 4, 40.0
WARM_UP_SECONDS = 3.0


def open_members(url: str) -> list[str]:
    """Members of the benchmark's own; their usernames."""
    client, mark = Client(url), uuid.uuid4().hex[:8]
    names = [f"bench-{mark}-{number}" for number in range(MEMBERS)]
    for name in names:
        body = {
            "email": f"{name}@load.quickshop.example",
            "username": name,
            "password": PASSWORD,
            "first_name": "Load",
            "last_name": "Test",
        }
        client.call("POST", "/api/v1/auth/register", body)
    return names


def steadily(rate: float, until: float) -> Iterator[float]:
    """The moments at which something is due `rate` times a second; each comes when it is reached."""
    due = time.monotonic()
    while due < until:
        time.sleep(max(0.0, due - time.monotonic()))
        yield due
        due += 1 / rate


def read_catalogue(url: str, seconds: float) -> list[float]:
    """Read the product list steadily; the seconds that each answer took."""
    took: list[float] = []
    until = time.monotonic() + seconds

    def reader() -> None:
        client = Client(url)
        for _ in steadily(READS_PER_SECOND / READERS, until):
            began = time.perf_counter()
            client.call("GET", CATALOGUE)
            took.append(time.perf_counter() - began)

    threads = [threading.Thread(target=reader, daemon=True) for _ in range(READERS)]
    for number, thread in enumerate(threads):
        time.sleep(number / READS_PER_SECOND / READERS)
        thread.start()
    for thread in threads:
        thread.join()
    return took


class Entrance:
    """Members who sign in at a steady rate until `close`."""

    def __init__(self, url: str, names: list[str], rate: float) -> None:
        self.took: list[float] = []
        self.refused: Counter[str] = Counter()
        self._url, self._names, self._rate = url, itertools.cycle(names), rate
        self._own, self._closed = threading.local(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with ThreadPoolExecutor(32) as pool:
            for due in steadily(self._rate, float("inf")):
                if self._closed.is_set():
                    return
                pool.submit(self._sign_in, next(self._names), due)

    def _sign_in(self, name: str, due: float) -> None:
        if not hasattr(self._own, "client"):
            self._own.client = Client(self._url)
        try:
            self._own.client.call("POST", "/api/v1/auth/login", {"login": name, "password": PASSWORD})
        except Refused as refusal:
            self.refused[str(refusal)] += 1
            return
        self.took.append(time.monotonic() - due)

    def close(self) -> None:
        """Nobody more comes; wait for those who are there."""
        self._closed.set()
        self._thread.join()


def in_fine_ms(values: list[float]) -> str:
    """p50 and p95 for people."""
    return f"p50 {percentile(values, 0.5) * 1000:5.1f} ms, p95 {percentile(values, 0.95) * 1000:5.1f} ms"


def one_run(url: str, names: list[str], rate: float, seconds: float) -> float:
    """The catalogue at rest, then beside sign-ins; how much longer its p95 was."""
    rest = read_catalogue(url, seconds)
    entrance = Entrance(url, names, rate)
    time.sleep(WARM_UP_SECONDS)
    busy = read_catalogue(url, seconds)
    entrance.close()
    ratio = percentile(busy, 0.95) / percentile(rest, 0.95)
    print(f"catalogue at rest           {in_fine_ms(rest)}   ({len(rest)} reads)")
    print(f"catalogue beside sign-ins   {in_fine_ms(busy)}   ({len(busy)} reads)   p95 {ratio:.2f} times")
    print(f"sign-ins                    {in_fine_ms(entrance.took)}   ({len(entrance.took)}, {rate:.0f} a second)")
    if entrance.refused:
        print("refused:", dict(entrance.refused))
    return ratio


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=20.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    with a_shop():
        url = find().url
        names = open_members(url)
        read_catalogue(url, WARM_UP_SECONDS)
        ratios = []
        for number in range(args.runs):
            print(f"run {number + 1} of {args.runs}, load {os.getloadavg()[0]:.1f}")
            ratios.append(one_run(url, names, args.rate, args.seconds))
    print(
        f"catalogue p95 beside {args.rate:.0f} sign-ins a second: {statistics.median(ratios):.2f} times its p95 at rest"
    )


if __name__ == "__main__":
    main()
