"""From a fact to the screen: members buy at a steady rate and follow their account and orders over WebSockets.

    python -m benchmarks.live_latency [--rate 20] [--seconds 20]

Prints, per event, the time from the moment written in the log (just before its commit) to its arrival at the
client, whether every sequence arrived whole and in order, and what each process used.
"""

from __future__ import annotations

import argparse
import json
import os
import threading
import time
import uuid
from collections import defaultdict
from datetime import datetime
from typing import Any

from benchmarks.client import Client, Refused
from benchmarks.purchase import ADDRESS, Window, in_ms, make_products, print_usage
from benchmarks.shop import find
from benchmarks.sockets import LiveClient
from quickshop.runtime.home import Home, chosen

SETTLE_SECONDS = 5.0


class Watcher:
    """What arrived: seqs per topic and delays of the events that happened while their topic was followed."""

    def __init__(self) -> None:
        self.delays: list[float] = []
        self.seqs: dict[str, list[int]] = defaultdict(list)
        self.since: dict[str, float] = {}

    def take(self, event: dict[str, Any]) -> None:
        """An event came."""
        arrived = time.time()
        if event["seq"] is None:
            return
        self.seqs[event["topic"]].append(event["seq"])
        happened = datetime.fromisoformat(event["at"]).timestamp()
        if happened > self.since.get(event["topic"], float("inf")):
            self.delays.append(arrived - happened)

    def whole(self) -> bool:
        """Whether each topic's seqs follow one another."""
        return all(got == list(range(got[0], got[0] + len(got))) for got in self.seqs.values())


class Member:
    """A signed-in buyer with an open socket."""

    def __init__(self, url: str, account: dict[str, str]) -> None:
        self._client, self.watcher = Client(url), Watcher()
        tokens = self._client.call("POST", "/api/v1/auth/login", {k: account[k] for k in ("login", "password")})
        self._headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        self._live = LiveClient(url, {"token": tokens["access_token"]}, self.watcher.take)
        self._follow("account", None)

    def _follow(self, topic: str, after: int | None) -> None:
        answer = self._live.call("subscribe", {"topic": topic, "after": after})
        if not answer["ok"]:
            raise RuntimeError(answer)
        self.watcher.since[topic] = time.time()

    def buy(self, variant: str) -> None:
        """One order, followed from its first event."""
        call, mine = self._client.call, self._headers
        call("POST", "/api/v1/cart/items", {"variant_id": variant, "quantity": 1}, mine)
        wish = {"shipping_address": ADDRESS, "shipping_method": "standard"}
        total = call("POST", "/api/v1/checkout/quote", wish, mine)["totals"]["total"]
        order = {**wish, "payment": {"token": "tok_approve"}, "expected_total": total}
        placed = call("POST", "/api/v1/orders", order, {**mine, "Idempotency-Key": uuid.uuid4().hex})
        self._follow(placed["topic"], 0)

    def leave(self) -> None:
        """Close the socket."""
        self._live.close()


def accounts() -> list[dict[str, str]]:
    """The demo shop's people who sign in without a code."""
    home = Home(chosen(os.environ))
    known = json.loads(home.demo.read_text())["accounts"].values()
    return [account for account in known if "totp_secret" not in account]


def buy_steadily(member: Member, variants: list[str], every: float, until: float, refused: list[str]) -> None:
    """Buy once in `every` seconds."""
    turn, number = time.monotonic(), 0
    while turn < until:
        time.sleep(max(0.0, turn - time.monotonic()))
        try:
            member.buy(variants[number % len(variants)])
        except Refused as refusal:
            refused.append(str(refusal))
        turn += every
        number += 1


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=20.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    args = parser.parse_args()
    shop = find()
    variants = make_products(shop, 5)
    members = [Member(shop.url, account) for account in accounts()]
    window, refused = Window(shop), list[str]()
    every, until = len(members) / args.rate, time.monotonic() + args.seconds
    threads = [
        threading.Thread(target=buy_steadily, args=(m, variants, every, until, refused), daemon=True) for m in members
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    window.end()
    time.sleep(SETTLE_SECONDS)
    for member in members:
        member.leave()
    report(members, window, refused, args.rate)


def report(members: list[Member], window: Window, refused: list[str], rate: float) -> None:
    """All figures."""
    delays = [delay for m in members for delay in m.watcher.delays]
    orders = sum(len(m.watcher.seqs) - 1 for m in members)
    events = sum(len(got) for m in members for got in m.watcher.seqs.values())
    print(
        f"{orders} orders in {window.seconds:.1f} s (asked for {rate:.0f}/s), {events} events, {len(refused)} refused"
    )
    print(
        f"fact to client: {in_ms(delays)}, worst {max(delays, default=0) * 1000:.0f} ms, over {len(delays)} live events"
    )
    print("every sequence whole and in order:", all(m.watcher.whole() for m in members))
    print_usage(window)


if __name__ == "__main__":
    main()
