"""What the shop and the gateway say was bought and paid, read back over HTTP after a replay."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from quickshop.demo.replay.accounts import Session
from quickshop.demo.replay.client import Client
from quickshop.demo.replay.hands import in_parallel
from quickshop.demo.replay.reconcile import Charge, GivenBack, ShopOrder

_PAPER_SECONDS = 30.0
_UNENDED = frozenset({"placed", "processing"})


class Books:
    """Reads the shop's orders as staff, by up to `hands` calls at once."""

    def __init__(self, shop: Client, staff: Session, hands: int) -> None:
        self._shop = shop
        self._staff = staff
        self._hands = hands

    def numbers(self, references: Collection[str]) -> list[str]:
        """The numbers of all orders with one of these client_references, by walking the whole list."""
        found: list[str] = []
        cursor = ""
        while True:
            page = self._get(f"/admin/orders?limit=100{cursor}")
            found += [o["number"] for o in page["items"] if o["client_reference"] in references]
            if not page["next_cursor"]:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    def orders(self, numbers: Iterable[str], patience: float, tick: Callable[[], None]) -> list[ShopOrder]:
        """These orders as the shop has them; waits up to `patience` seconds for those still being processed."""
        ended: list[ShopOrder] = []
        left = list(numbers)
        deadline = time.monotonic() + patience
        while True:
            unended = []
            for order in in_parallel(self._order, left, self._hands):
                if order.status in _UNENDED and time.monotonic() < deadline:
                    unended.append(order.number)
                else:
                    ended.append(order)
                    tick()
            if not unended:
                return ended
            left = unended
            time.sleep(0.5)

    def _order(self, number: str) -> ShopOrder:
        order = self._get(f"/admin/orders/{number}")
        back = order["payment"]["given_back"]["amount"]
        refunds = self._get(f"/admin/orders/{number}/refunds")["items"] if back else []
        papers = self._papers(number, refunds) if order["status"] not in _UNENDED else []
        return _read(order, refunds, papers)

    def _papers(self, number: str, refunds: Sequence[Any]) -> list[Any]:
        """The order's invoice and credit notes; they follow their order by a moment."""
        deadline = time.monotonic() + _PAPER_SECONDS
        while True:
            found: list[Any] = self._get(f"/orders/{number}/invoices")["items"]
            if len(found) > len(refunds) or time.monotonic() > deadline:
                return found
            time.sleep(0.2)

    def _get(self, path: str) -> Any:
        return self._shop.api("GET", path, token=self._staff.token()).json()


def _read(document: Mapping[str, Any], refunds: Sequence[Any], papers: Sequence[Any]) -> ShopOrder:
    units: dict[str, int] = {}
    for item in document["items"]:
        units[item["sku"]] = units.get(item["sku"], 0) + item["quantity"]
    totals = {name: money["amount"] for name, money in document["totals"].items()}
    return ShopOrder(
        number=document["number"],
        reference=document["client_reference"],
        email=document["email"],
        status=document["status"],
        payment_status=document["payment_status"],
        priority=document["priority"],
        units=units,
        subtotal=totals["subtotal"],
        shipping=totals["shipping"],
        total=totals["total"],
        placed_at=document["placed_at"],
        confirmed_at=document["confirmed_at"],
        refunds=[_given_back(refund) for refund in refunds],
        invoiced=sum(p["total"]["amount"] for p in papers if p["kind"] == "invoice"),
        credited=sum(abs(p["total"]["amount"]) for p in papers if p["kind"] == "credit_note"),
    )


def _given_back(refund: Mapping[str, Any]) -> GivenBack:
    units = {line["sku"]: line["quantity"] for line in refund["lines"]}
    return GivenBack(units, refund["amount"]["amount"], refund["shipping"]["amount"])


def charges(gateway: Client) -> list[Charge]:
    """The gateway's own ledger."""
    return [
        Charge(row["order"], row["state"], row["amount"], row["captured"], row["refunded"])
        for row in gateway.call("GET", "/charges").json()
    ]
