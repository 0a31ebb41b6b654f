"""What the risk step and the digest cost an order: medians of one run in which the ways take turns.

    python -m benchmarks.risk [--orders 300]

Starts databases and a simulated gateway of its own, with nobody else at work: places orders with and without their
digest, and has a worker in this process bring each to its end with no rule of risk in force, with those that do not go
by the card, and with all. The gateway is asked about the card only where a rule goes by it; its own part is told apart.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import urllib3

from benchmarks.machine import machine
from benchmarks.purchase import ADDRESS
from benchmarks.shop import _free_port
from quickshop.accounts.callers import ANONYMOUS
from quickshop.cart import service as carts
from quickshop.catalog import service as catalog
from quickshop.checkout.service import PlaceOrder, place_order, quote
from quickshop.config import load_settings
from quickshop.extensions import settings
from quickshop.factory import create_app
from quickshop.inventory import service as inventory
from quickshop.kernel.money import Money
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.orders import digests, placing, processing, proving, verifying
from quickshop.payments.gateways.registry import gateway_for
from quickshop.runtime import servers
from quickshop.security.fraud import Policy, Rule, Weight
from quickshop.shipping import service as shipping
from quickshop.shipping.rules import Method
from quickshop.shop.rules import POLICIES

WARM_UP = 20
_HIGH = 10**6
OFF = {rule: Weight(0, 1, 1, on=False) for rule in Rule}
# Limits that nobody reaches: what is measured is looking, not holding.
ALL = {rule: Weight(w.points, _HIGH, w.minutes) for rule, w in POLICIES["strict"].weights.items()} | {
    Rule.COUNTRIES: Weight(0, on=False)
}
NOT_BY_CARD = ALL | {rule: OFF[rule] for rule in (Rule.CARD, Rule.DECLINES)}
WAYS = {"no rule": OFF, "rules but those of the card": NOT_BY_CARD, "all rules": ALL}


@contextlib.contextmanager
def empty_shop() -> Iterator[None]:
    """A new database and a gateway, and a worker's application in front of them."""
    port = _free_port()
    with servers.start(durable=True) as running, TemporaryDirectory() as home:
        os.environ |= {
            "QUICKSHOP_ENV": "development",
            "QUICKSHOP_HOME": home,
            "DATABASE_URL": running.database,
            "REDIS_URL": running.redis,
            "GATEWAY_URL": f"http://127.0.0.1:{port}",
            "GATEWAY_PORT": str(port),
            "GATEWAY_WEBHOOK_SECRET": secrets.token_hex(32),
            "SHOP_URL": "http://127.0.0.1:1",
        }
        subprocess.run([sys.executable, "-m", "quickshop", "migrate"], check=True, capture_output=True)
        conf = Path(processing.__file__).parents[1] / "runtime" / "doubles" / "gunicorn_conf.py"
        gateway = subprocess.Popen([sys.executable, "-m", "gunicorn", "-c", str(conf)], stderr=subprocess.DEVNULL)
        try:
            _wait_for(f"http://127.0.0.1:{port}/healthz")
            with create_app(role="command", settings=load_settings(os.environ)).app_context():
                yield
        finally:
            gateway.terminate()
            gateway.wait(10)


def _wait_for(url: str) -> None:
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        with contextlib.suppress(urllib3.exceptions.HTTPError):
            if urllib3.request("GET", url, retries=False, timeout=1).status == 200:
                return
        time.sleep(0.1)
    raise SystemExit("The gateway did not start.")


def make_products() -> list[UUID]:
    """Two variants with ample stock, and a way to ship them."""

    def make() -> list[UUID]:
        shipping.set_method(Method("standard", "Standard", "USD", 500, 10_000, 2, 4), 1)
        category = catalog.create_category("bench", "Benchmark")
        _, variants = catalog.create_product(
            catalog.NewProduct(
                slug="bench",
                name="Benchmark",
                description="",
                category_id=category,
                currency="USD",
                variants=[catalog.NewVariant(f"B{n}", 1000 + n, {"size": str(n)}) for n in range(2)],
                options=[{"name": "size", "values": ["0", "1"]}],
            )
        )
        inventory.receive(dict.fromkeys(variants.values(), 10**6))
        return list(variants.values())

    return run_unit(make)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Milliseconds, and what came of it."""
    began = time.perf_counter()
    found = work()
    return (time.perf_counter() - began) * 1000, found


def place(variants: list[UUID], number: int) -> tuple[float, UUID]:
    """Place an order of two lines: milliseconds of the one unit, and its id."""

    def fill() -> Any:
        ref = carts.start_cart(ANONYMOUS)
        for variant in variants:
            carts.add_item(ref, variant, 1)
        return ref

    ref = run_unit(fill)
    with reading():
        total = quote(ref, "standard")["totals"]["total"]
    wish = PlaceOrder(
        email=f"bench{number}@quickshop.example",
        shipping_address=ADDRESS | {"line1": f"{number} Loop Street"},
        shipping_method="standard",
        payment_token=f"tok_approve:{number}",
        expected_total=Money(total["amount"], total["currency"]),
    )
    took, order = timed(lambda: run_unit(lambda: place_order(ANONYMOUS, ref, wish)))
    return took, UUID(order["id"])


def show(title: str, taken: dict[str, list[float]]) -> None:
    """Medians, and how much more each is than the first."""
    print(title)
    first = None
    for name, found in taken.items():
        median, p95 = statistics.median(found), statistics.quantiles(found, n=20)[-1]
        first = median if first is None else first
        more = f", {median - first:+.2f} ms ({(median / first - 1) * 100:+.0f} %)" if median != first else ""
        print(f"  {name:30}p50 {median:6.2f} ms, p95 {p95:6.2f} ms{more}")


def run(orders: int) -> None:
    """Everything, the ways in turns."""
    variants, make = make_products(), digests.make
    placed: dict[str, list[float]] = {"without a digest": [], "with it": []}
    ended: dict[str, list[float]] = {name: [] for name in WAYS}
    asked, signed = [], []
    gateway = gateway_for("simulator", settings())

    def make_timed(*args: Any) -> bytes:
        took, digest = timed(lambda: make(*args))
        signed.append(took)
        return bytes(digest)

    for turn in range(WARM_UP + orders):
        for number, (name, weights) in enumerate(WAYS.items()):
            sign = (turn + number) % 2 == 1
            # mypy: the same names with other work behind them, for this run alone
            placing.digests.make = make_timed if sign else lambda *_: None  # type: ignore[assignment, attr-defined, return-value]
            verifying.risk_policy = lambda weights=weights: Policy(weights, _HIGH, _HIGH)  # type: ignore[attr-defined, misc]
            took, order_id = place(variants, turn * len(WAYS) + number)
            worked, _ = timed(lambda order_id=order_id: processing.process(order_id))  # type: ignore[misc]
            if turn >= WARM_UP:
                placed["with it" if sign else "without a digest"].append(took)
                ended[name].append(worked)
        asked.append(timed(lambda turn=turn: gateway.describe(f"tok_approve:again{turn}"))[0])  # type: ignore[misc]
    placing.digests.make = make  # type: ignore[attr-defined]
    show("an order placed, in its one unit of work", placed)
    show("an order brought to its end by one worker", ended)
    print(f"the gateway asked about a card    p50 {statistics.median(asked):6.2f} ms")
    print(f"the digest's own sums             p50 {statistics.median(signed):6.2f} ms")
    took, pages = timed(lambda: list(proving.prove_all()))
    proofs = [proof for page in pages for proof in page]
    whole = sum(proof.state == "whole" for proof in proofs)
    print(f"orders proven by their digests    {len(proofs) / took * 1000:.0f} a second, {whole} of {len(proofs)} whole")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.risk", description=__doc__)
    parser.add_argument("--orders", type=int, default=300, help="how many by each way")
    args = parser.parse_args()
    print(machine())
    with empty_shop():
        run(args.orders)


if __name__ == "__main__":
    main()
