"""Buying one purchase as a shopper does: fill a cart line by line, look at the quote, order. Safe to cut anywhere."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from quickshop.demo.replay.accounts import Member, People, Session, guest_email
from quickshop.demo.replay.client import Answer, Client, Refused
from quickshop.demo.replay.countries import address
from quickshop.demo.replay.invoices import Purchase
from quickshop.demo.replay.state import Bought
from quickshop.demo.replay.stocking import SHIPPING, OnSale, Storeroom
from quickshop.demo.replay.undoing import Undo

_TRIES = 4
_ENDED = frozenset({"order.confirmed", "order.payment_failed", "order.on_hold", "order.cancelled"})
_END_SECONDS = 120.0


class NotBought(Exception):
    """A purchase could not be made; the message says why."""


@dataclass
class _Basket:
    """One cart being filled: who fills it, what shall be in it, and the guest's token."""

    session: Session | None
    wanted: Mapping[str, int]  # by variant id
    cart_token: str | None = None


class Buyer:
    """Makes purchases; used by many threads at once."""

    def __init__(self, shop: Client, people: People, storeroom: Storeroom, offered: Mapping[str, OnSale]) -> None:
        self._shop = shop
        self._people = people
        self._storeroom = storeroom
        self._offered = offered
        # Within this run a repeated request gives the same order again; across runs the client_reference sees to it.
        self._run = uuid.uuid4().hex[:12]

    def buy(self, purchase: Purchase) -> Bought:
        """Make the purchase, or find that it was made before. Raises NotBought, Refused, ShopUnreachable."""
        wanted = {self._offered[code].variant_id: units for code, units in purchase.units.items()}
        session = self._people.session(purchase.customer) if purchase.customer else None
        basket = _Basket(session, wanted)
        for _ in range(_TRIES):
            self._fill(basket)
            quote = self._quote(basket, purchase)
            if quote is None:
                # A line came in twice, or an earlier, cut run left some: begin again with an empty cart.
                self._clear(basket)
                continue
            bought = self._order(basket, purchase, quote)
            if bought is not None:
                return bought
        raise NotBought(f"{purchase.reference}: the cart does not hold what was put into it")

    # --- the cart ----------------------------------------------------------------------------------

    def _call(self, basket: _Basket, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if basket.cart_token:
            sent["X-Cart-Token"] = basket.cart_token
        token = basket.session.token() if basket.session else None
        return self._shop.api(method, path, body, token=token, headers=sent)

    def _fill(self, basket: _Basket) -> None:
        for variant_id, units in basket.wanted.items():
            line = {"variant_id": variant_id, "quantity": units}
            answer = self._call(basket, "POST", "/cart/items", line, Prefer="return=minimal")
            if basket.session is None and basket.cart_token is None:
                basket.cart_token = answer.headers.get("X-Cart-Token") or answer.json()["token"]

    def _clear(self, basket: _Basket) -> None:
        if basket.session is None:
            basket.cart_token = None  # a guest just takes another cart
            return
        try:
            self._call(basket, "DELETE", "/cart")
        except Refused as refusal:
            if refusal.status != 404:
                raise

    def _quote(self, basket: _Basket, purchase: Purchase) -> dict[str, Any] | None:
        """The quote, or None where the cart holds something else than wanted."""
        body = {"shipping_address": _address(purchase), "shipping_method": SHIPPING}
        quote: dict[str, Any] = self._call(basket, "POST", "/checkout/quote", body).json()
        held = {line["variant_id"]: line["quantity"] for line in quote["lines"]}
        return quote if held == basket.wanted else None

    # --- the order ---------------------------------------------------------------------------------

    def _order(self, basket: _Basket, purchase: Purchase, quote: Mapping[str, Any]) -> Bought | None:
        """Place the order; None where the cart must be looked at again first."""
        body = {
            "shipping_address": _address(purchase),
            "shipping_method": SHIPPING,
            "payment": {"token": f"tok_approve:{purchase.caller.replace(' ', '-')}"},
            "expected_total": quote["totals"]["total"],
            "client_reference": purchase.reference,
        }
        if basket.session is None:
            body["email"] = guest_email(purchase.reference)
        sent_at = time.time()
        try:
            answer = self._call(basket, "POST", "/orders", body, Idempotency_Key=f"{purchase.reference}:{self._run}")
        except Refused as refusal:
            if refusal.code == "client_reference_used":
                self._clear(basket)
                return Bought(purchase.reference, None, None)
            if refusal.code == "out_of_stock":
                self._restock(refusal)
            elif refusal.code != "price_changed":
                raise
            self._clear(basket)
            return None
        return Bought(purchase.reference, answer.json()["number"], sent_at)

    def _restock(self, refusal: Refused) -> None:
        """Somebody else bought of our stock: take in what is missing."""
        for item in refusal.problem.get("shortages", ()):
            self._storeroom.receive(item["variant_id"], item["requested"] - max(0, item["available"]))

    def await_end(self, purchase: Purchase | Undo, number: str) -> bool:
        """Wait until the shop has ended processing a member's order; False where it takes too long."""
        session = self._people.session(purchase.customer or "")
        deadline, pause = time.monotonic() + _END_SECONDS, 0.05
        while True:
            answer = self._shop.api("GET", f"/orders/{number}/events", token=session.token())
            if any(event["type"] in _ENDED for event in answer.json()["items"]):
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(pause)
            pause = min(0.5, pause * 1.5)


def _address(purchase: Purchase) -> dict[str, str]:
    name = Member(purchase.customer).name if purchase.customer else f"Guest of invoice {purchase.invoice}"
    return address(name, purchase.country)
